"""The page of a deployment: status, stages and links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import HAPPY_PATH, Stage
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import markup, text
from workflows.services import save_draft, set_variable

SENTINEL = "s3cret-sentinel"


def reached(stage: str, **fields: Any) -> Deployment:
    """A deployment with a record per stage up to this one, a tenth of a second apart."""
    started = timezone.now() - timedelta(seconds=10)
    deployment = make_deployment(
        **{"stage": stage, "started_at": started, "status": "running", **fields}
    )
    for number, each in enumerate(HAPPY_PATH[: HAPPY_PATH.index(Stage(stage)) + 1]):
        StageRecord.objects.create(
            deployment=deployment,
            number=number + 1,
            stage=each.value,
            message=each.message,
            progress=each.percent,
            entered_at=started + timedelta(seconds=number / 10),
        )
    return deployment


def failed(stage: str = "GENERATING_CODE", **fields: Any) -> Deployment:
    values = {"status": "failed", "finished_at": timezone.now(), "message": "it says why"}
    return reached(stage, **{**values, **fields})


def page(client: Client, deployment: Deployment, tab: str = "") -> str:
    return markup(client.get(f"/deployments/{deployment.pk}/{tab}"))


def words(client: Client, deployment: Deployment, tab: str = "") -> str:
    return text(client.get(f"/deployments/{deployment.pk}/{tab}"))


def test_the_required_tests_are_named_with_their_results(admin_client: Client) -> None:
    rows = [
        {"name": "approved", "passed": True, "result": 7},
        {"name": f"with {SENTINEL}", "passed": False, "result": None},
    ]
    deployment = make_deployment(required_tests=rows)
    set_variable("KEY", SENTINEL, workflow=deployment.workflow, is_secret=True)

    shown = page(admin_client, deployment)

    address = reverse("saved_tests:result", args=[deployment.workflow_id, 7])
    assert f'<a href="{address}"><bdi>approved</bdi></a>' in shown
    assert "failed" in shown
    assert SENTINEL not in shown
    assert "Required tests" not in words(admin_client, make_deployment())
    assert "this version has none" in words(admin_client, make_deployment(required_tests=[]))


def test_a_waiting_deployment_has_a_page(admin_client: Client) -> None:
    shown = page(admin_client, make_deployment())

    assert "… Queued ·" in shown
    assert shown.count("stage-pending") == 10


def test_a_running_deployment_shows_its_stage_and_listens_from_its_last_record(
    admin_client: Client,
) -> None:
    deployment = reached("CREATING_WORKER")

    shown = page(admin_client, deployment)

    assert "<title>55 % ·" in shown
    assert "Creating Cloudflare Worker..." in shown
    assert (shown.count("stage-done"), shown.count("stage-current")) == (5, 1)
    assert f'sse-connect="/deployments/{deployment.pk}/events/?lastEventId=6&amp;page=1"' in shown
    assert 'sse-close="result"' in shown


def test_a_second_deploy_is_not_the_main_action_while_one_runs(admin_client: Client) -> None:
    old = reached("COMPLETED", status="succeeded", finished_at=timezone.now())
    again = 'class="button {}" form="deploy-form" id="deploy-again"'
    assert again.format("default") in page(admin_client, old)

    busy = make_deployment(workflow=old.workflow, status="running", stage="DEPLOYING")

    for deployment in (old, busy):
        assert again.format("secondary") in page(admin_client, deployment)
    watch = f'<a class="button default" id="watch" href="{busy.get_absolute_url()}">'
    assert watch in page(admin_client, old)
    assert watch not in page(admin_client, busy)


def test_a_stage_that_starts_while_the_page_loads_arrives_as_an_event(
    admin_client: Client,
) -> None:
    deployment = make_deployment(status="running", stage="INITIALIZING", started_at=timezone.now())

    shown = page(admin_client, deployment)

    assert "stage-current" not in shown
    assert "lastEventId=0" in shown


def test_a_finished_deployment_does_not_listen(admin_client: Client) -> None:
    for deployment in (failed(), reached("COMPLETED", status="succeeded")):
        assert "sse-connect" not in page(admin_client, deployment)


def succeeded(**trigger: Any) -> Deployment:
    return reached(
        "COMPLETED",
        status="succeeded",
        workflow=make_workflow(trigger=trigger),
        worker_url="http://w.localhost:1",
        finished_at=timezone.now(),
    )


def test_a_live_deployment_shows_its_addresses(admin_client: Client) -> None:
    deployment = succeeded(type="http", method="GET")

    shown = words(admin_client, deployment)

    assert "✓ Succeeded ·" in shown
    assert "The Worker is live" in shown
    assert "The embedded platform has no dashboard" in shown
    assert 'data-copy="curl -s http://w.localhost:1/"' in page(admin_client, deployment)


def test_the_curl_command_matches_the_trigger(admin_client: Client) -> None:
    posted = words(admin_client, succeeded(type="http", method="POST", path="/orders"))
    manual = words(admin_client, succeeded(type="manual"))

    assert "curl -s -X POST http://w.localhost:1/orders -d '{}'" in posted
    assert "curl" not in manual
    assert ".venv/bin/python manage.py trigger_workflow" in manual


def test_a_replaced_deployment_names_its_replacement(admin_client: Client) -> None:
    old = succeeded(type="manual")
    new = make_deployment(workflow=old.workflow, status="succeeded", version_number=7)

    shown = words(admin_client, old)

    assert f"It was live until #{new.pk} (v7) replaced it" in shown
    assert "The Worker is live" in words(admin_client, new)


def test_the_button_names_the_version_it_deploys(admin_client: Client) -> None:
    deployment = succeeded(type="manual")
    assert "Deploy v1 again" in words(admin_client, deployment)

    workflow = deployment.workflow
    assert workflow
    workflow.ir = workflow.ir | {"trigger": {"type": "http"}}
    save_draft(workflow)

    assert "Deploy v2" in words(admin_client, deployment)


def test_without_javascript_a_running_deployment_reloads_itself(admin_client: Client) -> None:
    refresh = '<noscript><meta http-equiv="refresh"'

    assert refresh in page(admin_client, reached("DEPLOYING"))
    assert refresh not in page(admin_client, succeeded(type="manual"))


def test_a_worker_on_cloudflare_has_a_link_to_its_dashboard(admin_client: Client) -> None:
    address = "https://dash.cloudflare.com/a/w"
    deployment = reached(
        "COMPLETED", status="succeeded", target=make_target(), dashboard_url=address
    )

    assert f'href="{address}"' in page(admin_client, deployment)


def test_a_failure_names_stage_node_line_and_what_to_do(admin_client: Client) -> None:
    finding = {
        "node_id": "pay",
        "node_name": "Pay",
        "line": 3,
        "path": "",
        "message": "no such property",
    }
    deployment = failed(message="The code is wrong:\nmore", problems=[finding])

    shown = words(admin_client, deployment)

    assert (
        "Failed at Generating code The code is wrong: Pay pay , line 3: no such property" in shown
    )
    assert "Nothing was uploaded" in shown
    assert "What to do: Fix the problems listed in the workflow" in shown
    editor = f"/admin/workflows/workflow/{deployment.workflow_id}/change/?node=pay"
    assert f'href="{editor}"' in page(admin_client, deployment)


def test_a_failure_of_a_deleted_workflow_is_still_shown(admin_client: Client) -> None:
    deployment = failed(problems=[{"node_id": "pay", "message": "no such property"}])
    assert deployment.workflow
    deployment.workflow.delete()

    shown = words(admin_client, deployment)

    assert "no such property" in shown
    assert "Deploy v" not in shown


def test_links_set_or_change_a_variable_and_edit_a_node(admin_client: Client) -> None:
    problems = [{"path": name, "message": "x"} for name in ("KV_BINDING_ID", "DB_BINDING_ID")]
    deployment = failed("DETECTING_BINDINGS", problems=[*problems, {"node_id": "a", "path": ""}])
    variable = set_variable("DB_BINDING_ID", "abc", workflow=deployment.workflow)

    shown = page(admin_client, deployment)

    assert f"?name=KV_BINDING_ID&amp;workflow={deployment.workflow_id}" in shown
    assert f"/environmentvariable/{variable.pk}/change/" in shown
    assert "Edit One step" in shown


@pytest.mark.parametrize("stage", HAPPY_PATH[:-1])
def test_every_stage_that_fails_says_what_to_do(admin_client: Client, stage: Stage) -> None:
    deployment = failed(stage.value, uploaded="unknown")

    shown = words(admin_client, deployment)

    assert f"Failed at {stage.label}" in shown
    assert "What to do:" in shown
    assert "AwaitStep could not find out" in shown


def test_the_live_part_reloads_itself_until_the_end(admin_client: Client) -> None:
    again = 'hx-trigger="every 3s, awaitstep:changed from:body"'

    assert again in page(admin_client, reached("DEPLOYING"))
    assert again in page(admin_client, make_deployment())
    assert again not in page(admin_client, failed())


def test_a_superseded_deployment_links_to_its_replacement(admin_client: Client) -> None:
    newer = make_deployment()
    older = make_deployment(status="superseded", superseded_by=newer, finished_at=timezone.now())

    assert f'<a href="/deployments/{newer.pk}/">deployment #{newer.pk}</a>' in page(
        admin_client, older
    )


def test_the_live_part_takes_few_queries_and_no_large_columns(admin_client: Client) -> None:
    deployment = reached("DEPLOYING")

    with CaptureQueriesContext(connection) as captured:
        admin_client.get(f"/deployments/{deployment.pk}/", headers={"HX-Request": "true"})

    read = " ".join(query["sql"] for query in captured).replace('"', " ").split()
    assert len(captured) <= 7
    assert not {"ir", "source", "wrangler_json", "entry_code", "api_token"} & set(read)


def test_warnings_are_shown_under_the_stages_and_link_to_their_nodes(
    admin_client: Client,
) -> None:
    warning = {
        "message": "a run can take <2,000> steps",
        "node_id": "each",
        "node_name": "Each of them",
        "path": "nodes.each",
        "line": 0,
    }
    shown = page(admin_client, reached("CODE_READY", warnings=[warning, warning | {"node_id": ""}]))

    assert "<summary>2 warnings</summary>" in shown
    assert "a run can take &lt;2,000&gt; steps" in shown
    assert 'change/?node=each">Each of them</a>' in shown
    assert "<code>data.code</code>: a run can" in page(
        admin_client, reached("CODE_READY", warnings=[warning | {"path": "nodes.each.data.code"}])
    )
    assert 'id="warnings"' not in page(admin_client, reached("CODE_READY"))


def test_a_deployment_that_no_process_starts_says_so(admin_client: Client) -> None:
    waiting = make_deployment(status="queued")
    address = f"/deployments/{waiting.pk}/"
    assert "No process is working on the queue" not in text(admin_client.get(address))

    Deployment.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    assert "No process is working on the queue. Ask an admin" in text(admin_client.get(address))
