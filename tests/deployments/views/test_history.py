"""The history in the admin: shown, filtered and exported, never changed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from deployments.admin import deployments, export_stream
from deployments.admin.history_export import as_text
from deployments.models import Deployment
from tests.deployments.factories import make_deployment
from tests.support.page_text import text
from tests.support.sessions import LogIn

LIST = "/admin/deployments/deployment/"
SENTINEL = "s3cret-sentinel"
CSV, JSON = "0", "1"


def shown(client: Client, query: str = "") -> set[int]:
    found: list[Deployment] = client.get(f"{LIST}?{query}").context["cl"].result_list
    return {deployment.pk for deployment in found}


def export(client: Client, file_format: str, query: str = "") -> str:
    answer: Any = client.post(f"{LIST}export/?{query}", {"format": file_format, "resource": "0"})
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


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

    row, _ = json.loads(export(admin_client, JSON))

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


def test_a_search_reads_the_history_once_and_lists_the_newest_results(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "MAX_FOUND", 2)
    oldest, *newest = [make_deployment(message="it burns") for _ in range(3)]

    with CaptureQueriesContext(connection) as captured:
        answer = admin_client.get(f"{LIST}?q=burns")
    searches = [each for each in captured.captured_queries if "LIKE" in each["sql"]]
    exported = json.loads(export(admin_client, JSON, "q=burns"))

    assert len(searches) == 1
    assert {row.pk for row in answer.context["cl"].result_list} == {row.pk for row in newest}
    assert "These are the newest 2 results." in text(answer)
    assert str(oldest.pk) in {row["id"] for row in exported}


def test_the_filter_by_cause_uses_an_index(admin_client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(f"{LIST}?cause__exact=target")
    counting = next(each["sql"] for each in captured.captured_queries if "COUNT(" in each["sql"])

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {counting}")
        assert "deployments_by_cause" in str(cursor.fetchall())


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

    table = export(admin_client, CSV, "status__exact=succeeded")
    rows = list(csv.DictReader(io.StringIO(table)))
    objects = json.loads(export(admin_client, JSON, "status__exact=succeeded"))

    assert [row["id"] for row in rows] == [str(good.pk)]
    assert rows[0]["message"] == "'=cmd()"
    assert objects[0]["message"] == "=cmd()"
    assert [each["workflow_public_id"] for each in objects] == [good.workflow_public_id]


@pytest.mark.parametrize(("file_format", "empty"), [(CSV, 1), (JSON, 0)])
def test_an_export_has_all_rows_of_several_batches(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, file_format: str, empty: int
) -> None:
    monkeypatch.setattr(export_stream, "BATCH", 2)
    read = json.loads if file_format == JSON else str.splitlines

    assert len(read(export(admin_client, file_format))) == empty
    for _ in range(5):
        make_deployment()
    assert len(read(export(admin_client, file_format))) == 5 + empty


@pytest.mark.django_db(transaction=True)
def test_the_first_rows_of_an_export_are_sent_before_the_last_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_stream, "BATCH", 1)
    oldest, newest = make_deployment(), make_deployment()
    user = User.objects.create_superuser("ada")

    async def parts() -> list[str]:
        client = AsyncClient()
        await client.aforce_login(user)
        answer: Any = await client.post(f"{LIST}export/", {"format": CSV, "resource": "0"})
        stream = aiter(answer.streaming_content)
        first = [await anext(stream), await anext(stream)]
        await Deployment.objects.filter(pk=oldest.pk).aupdate(message="changed in the meantime")
        return [part.decode() for part in [*first, *[part async for part in stream]]]

    header, first, last = async_to_sync(parts)()

    assert header.startswith("id,")
    assert first.startswith(f"{newest.pk},")
    assert last.startswith(f"{oldest.pk},")
    assert "changed in the meantime" in last


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
        assert SENTINEL not in export(admin_client, file_format)


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
