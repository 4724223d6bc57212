"""The four sections of the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment, DriftCheck
from deployments.pipeline.stages import Status
from deployments.presentation import dashboard, labels
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows import services
from workflows.models import Workflow


def succeeded(seconds: float = 2, **fields: Any) -> Deployment:
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=seconds), "finished_at": now}
    done = {"status": "succeeded", "stage": "COMPLETED", "worker_url": "http://w.localhost:1"}
    return make_deployment(**{**done, **times, **fields})


def failed(**fields: Any) -> Deployment:
    values = {"status": "failed", "stage": "DEPLOYING", "message": "wrangler said no"}
    return make_deployment(**{**values, "finished_at": timezone.now(), **fields})


def test_an_empty_dashboard_says_how_to_start(admin_client: Client) -> None:
    page = text(admin_client.get("/"))

    assert "AwaitStep turns your steps into durable workflows" in page
    assert "Add the first workflow" in page
    assert "from one of eight templates, from an empty workflow, or from a document" in page
    assert "To create the first one, press Deploy next to a workflow" in page
    assert "Nothing is being deployed" in page
    assert "Nothing needs attention" in page


def test_a_running_deployment_has_a_card_with_its_stage_and_typical_time(
    admin_client: Client,
) -> None:
    workflow = make_workflow()
    for seconds in (1, 3, 50):
        succeeded(seconds, workflow=workflow)
    make_deployment(
        workflow=workflow, status="running", stage="DEPLOYING", requested_by_name="grace"
    )

    answer = admin_client.get("/")

    assert "by grace Deploying · 65 %" in text(answer)
    assert "usually 3.0 s" in text(answer)
    assert 'role="progressbar"' in answer.content.decode()
    assert 'aria-valuenow="65"' in answer.content.decode()


def test_a_failure_needs_attention_until_somebody_deploys_again(admin_client: Client) -> None:
    bad = failed()
    assert [item.pk for item in dashboard.load().attention] == [bad.pk]
    assert "wrangler said no" in text(admin_client.get("/"))

    make_deployment(workflow=bad.workflow, status="queued")

    assert dashboard.load().attention == []


def test_a_deployment_to_another_target_does_not_resolve_a_failure(db: None) -> None:
    bad = failed()

    succeeded(workflow=bad.workflow, target=make_target())

    assert [item.pk for item in dashboard.load().attention] == [bad.pk]


def test_the_newest_failures_are_shown_and_the_rest_is_linked(admin_client: Client) -> None:
    for _ in range(dashboard.ATTENTION + 1):
        failed()

    board = dashboard.load()

    assert (len(board.attention), board.has_more_attention) == (dashboard.ATTENTION, True)
    assert "All failed deployments" in text(admin_client.get("/"))


def test_a_missing_variable_is_one_click_away(admin_client: Client) -> None:
    problems = [{"path": "MAIL_KEY", "message": "is not set", "node_id": ""}]
    bad = failed(stage="DETECTING_BINDINGS", problems=problems)

    page = admin_client.get("/").content.decode()

    add = "/admin/workflows/environmentvariable/add/"
    assert f'href="{add}?name=MAIL_KEY&amp;workflow={bad.workflow_id}"' in page


def test_a_workflow_shows_its_live_and_its_undeployed_version(admin_client: Client) -> None:
    workflow = succeeded().workflow
    assert workflow
    workflow.ir["metadata"]["description"] = "changed"
    services.save_draft(workflow)

    page = text(admin_client.get("/"))

    assert "v1 on local, just now v2 is not deployed" in page
    assert "http://w.localhost:1" in page


def test_a_workflow_without_a_deployment_says_so(admin_client: Client) -> None:
    make_workflow()

    assert "not deployed none yet" in text(admin_client.get("/"))


def test_a_workflow_that_was_taken_down_is_not_live(admin_client: Client) -> None:
    workflow = succeeded().workflow
    succeeded(workflow=workflow, action="takedown")

    (row,) = dashboard.load().workflows

    assert row.live is None
    assert "http://w.localhost:1" not in text(admin_client.get("/"))
    assert "Takedown" in text(admin_client.get("/"))


def test_a_workflow_taken_down_from_one_target_may_be_live_on_another(db: None) -> None:
    live = succeeded()
    elsewhere = make_target()
    succeeded(workflow=live.workflow, target=elsewhere)
    succeeded(workflow=live.workflow, target=elsewhere, action="takedown")

    (row,) = dashboard.load().workflows

    assert row.live == live


def test_the_last_deployment_that_went_live_is_live(db: None) -> None:
    live = succeeded(status="partial", action="rollback")
    succeeded(workflow=live.workflow, action="delete_secrets")
    failed(workflow=live.workflow)

    (row,) = dashboard.load().workflows

    assert row.live == live


def drifted(deployment: Deployment, **fields: Any) -> DriftCheck:
    assert deployment.workflow
    assert deployment.target
    return DriftCheck.objects.create(
        workflow=deployment.workflow,
        target=deployment.target,
        state="drifted",
        checked_at=timezone.now(),
        differences=["it is another"],
        **fields,
    )


def test_drift_needs_attention_until_something_is_deployed(admin_client: Client) -> None:
    live = succeeded()
    drifted(live)
    page = text(admin_client.get("/"))
    assert "Drifted on local, found just now it is another View live version" in page
    assert [row.drift is not None for row in dashboard.load().workflows] == [True]

    succeeded(workflow=live.workflow, finished_at=timezone.now() + timedelta(seconds=1))

    assert dashboard.load().drift_checks == []


def test_a_target_that_fails_its_check_needs_attention(admin_client: Client) -> None:
    rows = [
        {"name": "Token", "state": "passed", "message": "fine"},
        {"name": "Account", "state": "failed", "message": "the token is for other accounts"},
    ]
    target = make_target(checks=rows, checked_at=timezone.now())

    page = admin_client.get("/")

    assert "account Check failed just now the token is for other accounts" in text(page)
    assert f'href="/admin/targets/target/{target.pk}/change/"' in page.content.decode()


def test_a_target_that_was_never_checked_needs_attention(admin_client: Client) -> None:
    target = make_target()

    page = admin_client.get("/")

    assert "account Never checked Its token and account have not been checked" in text(page)
    link = f'<a href="/admin/targets/target/{target.pk}/change/">Check account</a>'
    assert link in page.content.decode()


def test_deployments_show_whether_a_never_checked_target_works(admin_client: Client) -> None:
    target, other = make_target(), make_target(name="other", account_id="b" * 32)
    failed(target=target, cause="credentials", message="The token is wrong.")
    bad = failed(target=target, cause="credentials", message="The token has expired.")
    failed(target=other, cause="credentials")
    succeeded(target=other)

    page = text(admin_client.get("/"))

    assert f"account Never checked Deployment #{bad.pk} failed: The token has expired." in page
    assert "Nobody knows" not in page
    assert "other Never checked" not in page


def test_users_see_only_the_actions_they_may_perform(viewer: Client) -> None:
    make_target()
    failed(stage="GENERATING_CODE", cause="code", problems=[{"message": "it is wrong"}])

    page = text(viewer.get("/"))

    assert "Ask someone with permission to check targets" in page
    assert "View details" in page
    for offered in ("Check account", "Edit One step", "deploy again", "Add your"):
        assert offered not in page


def test_a_partial_deployment_can_be_retried_from_the_dashboard(admin_client: Client) -> None:
    part = {"kind": "route", "name": "a.example/*", "done": False, "message": "taken"}
    bad = failed(status="partial", parts=[part])

    page = admin_client.get("/").content.decode()

    assert f'formaction="/deployments/{bad.pk}/retry/"' in page


def test_a_card_shows_the_action_the_wait_and_the_cancel_button(
    admin_client: Client,
) -> None:
    live = succeeded()
    later = timezone.now() + timedelta(minutes=1)
    back = make_deployment(
        workflow=live.workflow, action="rollback", about=live, status="running", waits_until=later
    )
    make_deployment(status="queued", not_before=later, attempt=2)

    page = admin_client.get("/")

    assert f"Rollback to #{live.pk} on local" in text(page)
    assert "Cloudflare is busy. Continues at" in text(page)
    assert "as requested by Cloudflare (attempt 2 of 5)" in text(page)
    assert f'formaction="/deployments/{back.pk}/cancel/"' in page.content.decode()


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_label_and_an_icon(admin_client: Client, status: Status) -> None:
    make_deployment(status=status.value, finished_at=timezone.now())

    page = admin_client.get("/")

    assert status.label in text(page)
    assert f"icon-{labels.TONES[status].icon}" in page.content.decode()


def queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get("/")
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_the_data(log_in: LogIn) -> None:
    client = log_in("deployments.view_deployment", "deployments.add_deployment")
    fill()
    few = queries(client)

    for _ in range(5):
        fill()

    assert Workflow.objects.count() == 18
    assert queries(client) == few <= 15


def fill() -> None:
    make_deployment(status="running", stage="DEPLOYING", workflow=succeeded().workflow)
    drifted(failed())
    make_workflow()


def test_the_large_columns_are_not_read(admin_client: Client) -> None:
    succeeded()
    failed()

    with CaptureQueriesContext(connection) as captured:
        admin_client.get("/")

    read = " ".join(query["sql"] for query in captured)
    assert not {"source", "wrangler_json", "entry_code"} & set(read.replace('"', " ").split())


def test_htmx_gets_only_the_parts_and_the_title(admin_client: Client) -> None:
    make_deployment(status="running", stage="DEPLOYING")

    answer = admin_client.get("/", headers={"HX-Request": "true"})

    page = answer.content.decode()
    assert page.strip().startswith("<title>(1) Dashboard")
    assert "<html" not in page
    assert "HX-Request" in answer["Vary"]
    assert "no-store" in answer["Cache-Control"]
