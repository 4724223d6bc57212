"""Failed runs on the dashboard, until someone who can act has looked at them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.trail import Actor
from runs.index import writer
from runs.models import BulkChange, Run
from runs.services import control, failed_runs
from tests.deployments.factories import make_deployment
from tests.runs.examples import START, live_deployment, make_run, workflow_of
from tests.runs.fake_api import FakeApi
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.sessions import LogIn

pytestmark = pytest.mark.django_db
VIEWS = ("deployments.view_deployment", "runs.view_run")


def failed(run: Run | None = None, error: str = "Error: card declined", **fields: Any) -> Run:
    ended_at = START + timedelta(minutes=1)
    values = {"status": "errored", "is_open": False, "error": error, "ended_at": ended_at}
    return make_run(run.deployment if run else None, **values | fields)


def dashboard(client: Client) -> str:
    return text(client.get("/"))


def test_a_failed_run_needs_attention_and_can_be_run_again(admin_client: Client) -> None:
    run = failed()

    answer = admin_client.get("/")

    assert "Nothing needs attention" not in text(answer)
    assert f"{workflow_of(run).name} Errored A run on" in text(answer)
    assert "Error: card declined" in text(answer)
    assert f"again={run.pk}" in answer.content.decode()


def test_failed_runs_are_grouped_by_workflow_and_error(admin_client: Client) -> None:
    first = failed()
    newest = failed(first)
    failed(first, "TypeError: order is undefined")
    failed(make_run(make_deployment(target=first.target)))  # of another workflow

    groups = failed_runs.groups(10)

    counts = {(group.newest.workflow_id, group.newest.error): group.count for group in groups}
    assert len(groups) == 3
    assert counts[first.workflow_id, "Error: card declined"] == 2
    assert newest.pk in {group.newest.pk for group in groups}
    assert "2 runs on" in dashboard(admin_client)
    assert "Run all 2 again" in dashboard(admin_client)


def test_only_the_newest_failed_runs_are_grouped(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_runs, "MAX_GROUPED", 2)
    first = failed()
    failed(first)
    assert "2 runs on" in dashboard(admin_client)

    newest = failed(first)

    assert [(group.newest, group.number) for group in failed_runs.groups(10)] == [(newest, "2+")]
    assert "2+ runs on" in dashboard(admin_client)


def test_internal_errors_are_one_group_whatever_their_references(admin_client: Client) -> None:
    first = failed(error="Error: internal error; reference = h3p1spm52g8btbanvu11gtsp")
    failed(first, "Error: internal error; reference = 71m9jespoqbvtae1r9r9b7l6")
    failed(first, "Error: internal")

    counts = {group.count: group for group in failed_runs.groups(10)}
    assert counts.keys() == {1, 2}
    listed = admin_client.get(f"/runs/?{counts[2].query}").context["page"].runs
    assert len(listed) == 2

    assert failed_runs.mark_group_seen(counts[2].newest, by=Actor(name="ada")) == 2
    assert [group.count for group in failed_runs.groups(10)] == [1]


def test_the_links_of_a_group_lead_to_exactly_its_runs(admin_client: Client) -> None:
    runs = [failed(first := failed()), first]
    failed(first, "TypeError: order is undefined")
    failed(first, viewed_at=START)
    page = admin_client.get("/").content.decode()
    (query,) = re.findall(r'href="/runs/\?([^"]*error=Error[^"]*)"', page)

    listed = admin_client.get(f"/runs/?{query.replace('&amp;', '&')}")
    admin_client.get(restart_page := f"/runs/bulk/?action=restart&{query.replace('&amp;', '&')}")
    confirmation = admin_client.get(restart_page).context["confirmed"]
    admin_client.post("/runs/bulk/", {"action": "restart", "confirmed": confirmation})

    assert {run.pk for run in listed.context["page"].runs} == {run.pk for run in runs}
    assert "that nobody has looked at" in listed.context["words"]
    assert set(BulkChange.objects.get().run_ids) == {run.pk for run in runs}


def test_seen_removes_the_group_from_the_dashboard_and_is_in_the_audit_trail(
    admin_client: Client,
) -> None:
    newest = failed(failed())
    failed(newest, "TypeError: order is undefined")

    answer = admin_client.post(f"/runs/{newest.pk}/seen/", follow=True)

    assert "2 failed runs of One step are marked as seen." in text(answer)
    assert f'id="failed-{newest.pk}"' not in answer.content.decode()
    assert "TypeError: order is undefined" in text(answer)
    assert entries().get(action="failed runs seen").detail["runs"] == 2


def test_a_failure_after_the_page_was_opened_is_not_marked_as_seen(admin_client: Client) -> None:
    shown = failed()
    failed(shown)

    admin_client.post(f"/runs/{shown.pk}/seen/")

    assert 'id="failed-' in admin_client.get("/").content.decode()


@pytest.mark.parametrize("permission", ["runs.trigger_run", "runs.control_run"])
def test_a_run_that_somebody_who_can_act_has_opened_is_seen(log_in: LogIn, permission: str) -> None:
    run = failed()
    client = log_in(*VIEWS, permission)

    client.get(run.get_absolute_url())

    assert f'id="failed-{run.pk}"' not in client.get("/").content.decode()


def test_a_view_by_somebody_who_cannot_act_does_not_count(log_in: LogIn) -> None:
    run = failed()
    viewer = log_in(*VIEWS)

    viewer.get(run.get_absolute_url())
    refused = viewer.post(f"/runs/{run.pk}/seen/")

    assert refused.status_code == 403
    page = viewer.get("/")
    assert "Error: card declined" in text(page)
    assert "/seen/" not in page.content.decode()


def test_a_page_that_stays_open_does_not_count(admin_client: Client) -> None:
    run = failed()

    admin_client.get(run.get_absolute_url(), headers={"HX-Request": "true"})

    assert 'id="failed-' in admin_client.get("/").content.decode()


def test_a_run_that_fails_again_after_a_restart_needs_attention_again(
    fake_api: FakeApi,
) -> None:
    run = failed(viewed_at=START)

    control.send_action(run, "restart", by=Actor(None, "ada"))
    run.refresh_from_db()

    assert [group.newest for group in failed_runs.groups(1)] == [run]


def test_a_run_that_fails_again_after_a_restart_elsewhere_needs_attention_again() -> None:
    run = failed(viewed_at=START)
    for status in ("running", "errored"):
        data: dict[str, Any] = {
            "status": status,
            "steps": [],
            "error": {"name": "Error", "message": "again"},
        }
        writer.apply_details(run, data, secrets=())

    assert [group.newest for group in failed_runs.groups(1)] == [run]


def test_no_more_groups_are_shown_than_fit(admin_client: Client) -> None:
    target = live_deployment().target
    for number in range(10):
        failed(make_run(make_deployment(target=target)), f"Error: {number}")

    page = dashboard(admin_client)

    assert page.count("Errored A run on") == 8
    assert "More failed runs that nobody has looked at" in page
