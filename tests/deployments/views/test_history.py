"""The history in the admin: shown, filtered and exported, never changed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.admin.history_export import as_text
from deployments.models import Deployment
from tests.deployments.factories import make_deployment
from tests.support.page_text import Answer, text
from tests.support.sessions import LogIn

LIST = "/admin/deployments/deployment/"
SENTINEL = "s3cret-sentinel"
CSV, JSON = "0", "1"


def shown(client: Client, query: str = "") -> set[int]:
    found: list[Deployment] = client.get(f"{LIST}?{query}").context["cl"].result_list
    return {deployment.pk for deployment in found}


def export(client: Client, file_format: str, query: str = "") -> Answer:
    answer = client.post(f"{LIST}export/?{query}", {"format": file_format, "resource": "0"})
    assert "attachment" in answer["Content-Disposition"]
    return answer


def test_it_filters_and_searches(admin_client: Client) -> None:
    bad = make_deployment(status="failed", stage="DEPLOYING", message="no such account")
    good = make_deployment(status="succeeded", stage="COMPLETED", requested_by_name="grace")

    assert shown(admin_client) == {bad.pk, good.pk}
    assert shown(admin_client, "status__exact=failed") == {bad.pk}
    assert shown(admin_client, "stage__exact=COMPLETED") == {good.pk}
    assert shown(admin_client, f"workflow__id__exact={good.workflow_id}") == {good.pk}
    assert shown(admin_client, "q=such+account") == {bad.pk}
    assert shown(admin_client, "q=grace") == {good.pk}


def test_it_shows_and_filters_actions_and_causes(admin_client: Client) -> None:
    live = make_deployment(status="succeeded", stage="COMPLETED")
    back = make_deployment(action="rollback", about=live, status="failed", cause="permission")

    assert shown(admin_client, "action__exact=rollback") == {back.pk}
    assert shown(admin_client, "cause__exact=permission") == {back.pk}
    page = text(admin_client.get(LIST))
    assert f"Rollback to #{live.pk}" in page
    assert "Failed Missing permission" in page


def test_an_export_contains_action_reason_and_cause(admin_client: Client) -> None:
    live = make_deployment(status="succeeded")
    make_deployment(action="rollback", about=live, reason="it burns", cause="target")

    row, _ = json.loads(export(admin_client, JSON).content)

    exported = {name: row[name] for name in ("action", "about", "reason", "cause")}
    assert exported == {
        "action": "rollback",
        "about": live.pk,
        "reason": "it burns",
        "cause": "target",
    }


def test_the_date_hierarchy_goes_from_years_to_days(admin_client: Client) -> None:
    for year, month in ((2024, 2), (2026, 1), (2026, 3)):
        make_deployment(created_at=datetime(year, month, 28, tzinfo=UTC))

    assert {"2024", "2025", "2026"} <= set(text(admin_client.get(LIST)).split())
    assert "January 2026 February 2026 March 2026" in text(
        admin_client.get(f"{LIST}?created_at__year=2026")
    )
    one = shown(admin_client, "created_at__year=2026&created_at__month=3")
    assert len(one) == 1


def test_a_row_links_to_the_deployments_page(admin_client: Client) -> None:
    deployment = make_deployment()

    assert f'href="/deployments/{deployment.pk}/"' in admin_client.get(LIST).content.decode()
    answer = admin_client.get(f"{LIST}{deployment.pk}/change/")
    assert answer["Location"] == f"/deployments/{deployment.pk}/"


@pytest.mark.parametrize("what", ["add/", "{pk}/delete/"])
def test_nobody_adds_or_deletes_history(admin_client: Client, what: str) -> None:
    deployment = make_deployment()

    answer = admin_client.post(LIST + what.format(pk=deployment.pk), {"post": "yes"})

    assert answer.status_code == 403
    assert Deployment.objects.count() == 1


def test_csv_and_json_contain_the_filtered_rows(admin_client: Client) -> None:
    make_deployment(status="failed")
    good = make_deployment(status="succeeded", message="=cmd()")

    table = export(admin_client, CSV, "status__exact=succeeded").content.decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    objects = json.loads(export(admin_client, JSON, "status__exact=succeeded").content)

    assert [row["id"] for row in rows] == [str(good.pk)]
    assert rows[0]["message"] == "'=cmd()"
    assert objects[0]["message"] == "=cmd()"
    assert [each["workflow_public_id"] for each in objects] == [good.workflow_public_id]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\uff1d"])
def test_a_cell_that_a_spreadsheet_would_calculate_keeps_all_characters(start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"

    assert as_text(formula) == f"'{formula}"
    assert as_text("a=1") == "a=1"


def test_an_export_contains_no_values_no_code_and_no_secrets(admin_client: Client) -> None:
    make_deployment(
        source=SENTINEL, variables={"A": SENTINEL}, wrangler_json=SENTINEL, entry_code=SENTINEL
    )

    for file_format in (CSV, JSON):
        assert SENTINEL not in export(admin_client, file_format).content.decode()


def test_nobody_else_reads_or_exports_it(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow")

    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}export/", {"format": CSV, "resource": "0"}).status_code == 403


def test_a_page_takes_few_queries_and_no_large_columns(log_in: LogIn) -> None:
    client = log_in("deployments.view_deployment")
    for _ in range(8):
        make_deployment()

    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)

    read = " ".join(query["sql"] for query in captured).replace('"', " ").split()
    assert len(captured) <= 12
    assert not {"deployments_deployment.source", "wrangler_json", "variables"} & set(read)
