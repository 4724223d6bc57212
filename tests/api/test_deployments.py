"""Deployments: started, planned, listed and changed by the same services as the pages."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry
from deployments.models import Deployment, ProgramOutput, StageRecord
from deployments.queue import progress
from targets.models import Target
from tests.api.callers import key_client, make_user, superuser_client
from tests.deployments.factories import make_deployment, make_target, make_workflow
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
JSON: dict[str, Any] = {"content_type": "application/json"}
LIVE: dict[str, Any] = {"status": "succeeded", "stage": "COMPLETED", "version_id": "v-one"}


@pytest.fixture
def target() -> Target:
    return make_target(is_default=True)


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


def end_as(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Let each deployment that is waited for end like this."""

    def wait(deployment: Deployment, *_args: Any, **_options: Any) -> Deployment:
        Deployment.objects.filter(pk=deployment.pk).update(**fields)
        return deployment

    monkeypatch.setattr(progress, "wait_until_final", wait)


def test_a_deploy_waits_for_its_end(
    target: Target, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_as(monkeypatch, **LIVE, worker_url="https://w.example", dashboard_url="https://d.example")

    answer = superuser_client().post(f"/api/workflows/{workflow.pk}/deploy", {}, **JSON)

    deployment = Deployment.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "deploymentId": str(deployment.pk),
        "status": "succeeded",
        "url": "https://w.example",
        "dashboardUrl": "https://d.example",
        "error": "",
    }
    assert (deployment.target, deployment.requested_by_name) == (target, "root")
    assert "api_key" in Entry.objects.get(action="deployment requested").detail


def test_a_deploy_that_fails_says_why(
    target: Target, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_as(monkeypatch, status="failed", message="no such account")

    answer = superuser_client().post(f"/api/workflows/{workflow.pk}/deploy", {}, **JSON).json()

    assert (answer["success"], answer["error"]) == (False, "no such account")


def test_a_deploy_need_not_be_waited_for(target: Target, workflow: Workflow) -> None:
    body = {"wait": False, "connectionId": str(target.pk), "versionId": "1"}

    answer = superuser_client().post(f"/api/workflows/{workflow.pk}/deploy", body, **JSON)

    assert answer.status_code == 202
    assert (answer.json()["success"], answer.json()["status"]) == (False, "queued")


def test_waiting_ends_after_its_time_limit(workflow: Workflow) -> None:
    deployment = make_deployment(workflow=workflow)

    waited = progress.wait_until_final(deployment, lambda _record: None, max_seconds=0)

    assert not waited.is_final


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"versionId": "7"}, 403),
        ({"versionId": "newest"}, 400),
        ({"connectionId": "999"}, 404),
        ({"config": {"route": {"pattern": "a.example/*", "zoneName": "a.example"}}}, 400),
        ({"unknown": 1}, 400),
    ],
)
def test_a_deploy_that_cannot_be_is_refused(
    body: dict[str, Any], status: int, target: Target, workflow: Workflow
) -> None:
    answer = superuser_client().post(f"/api/workflows/{workflow.pk}/deploy", body, **JSON)

    assert answer.status_code == status
    assert not Deployment.objects.exists()


def test_the_rules_of_a_target_hold(workflow: Workflow) -> None:
    make_target(is_default=True, protected=True)
    client, address = superuser_client(), f"/api/workflows/{workflow.pk}/deploy"

    refused = client.post(address, {"wait": False}, **JSON)
    confirmed = client.post(address, {"wait": False, "confirm": workflow.name}, **JSON)

    assert (refused.status_code, confirmed.status_code) == (403, 202)
    assert "type the workflow's name" in refused.json()["error"]


def test_a_plan_says_what_is_wrong_and_changes_nothing(target: Target) -> None:
    workflow = make_workflow("return nothing_of_this_name;")

    plan = superuser_client().post(f"/api/workflows/{workflow.pk}/plan", {}, **JSON).json()

    assert not plan["canDeploy"]
    assert plan["findings"][0]["message"]
    assert not Deployment.objects.exists()


def test_deployments_are_listed_and_filtered_a_page_at_a_time(workflow: Workflow) -> None:
    first, second = (make_deployment(workflow=workflow, **LIVE) for _ in range(2))
    failed = make_deployment(target=make_target(), status="failed")
    client = superuser_client()

    page = client.get("/api/deployments", {"limit": 2}).json()
    rest = client.get("/api/deployments", {"limit": 2, "cursor": page["nextCursor"]}).json()
    own = client.get(f"/api/workflows/{workflow.pk}/deployments").json()["data"]

    assert [row["id"] for row in page["data"]] == [str(failed.pk), str(second.pk)]
    assert ([row["id"] for row in rest["data"]], rest["nextCursor"]) == ([str(first.pk)], None)
    assert [row["id"] for row in own] == [str(second.pk), str(first.pk)]
    for query in ({"status": "failed"}, {"connectionId": str(failed.target_id)}):
        assert [row["id"] for row in client.get("/api/deployments", query).json()["data"]] == [
            str(failed.pk)
        ]


def test_a_deployment_has_its_stages_and_output(workflow: Workflow) -> None:
    deployment = make_deployment(workflow=workflow, status="running", stage="GENERATING_CODE")
    for number, stage in enumerate(("INITIALIZING", "GENERATING_CODE"), 1):
        StageRecord.objects.create(
            deployment=deployment, number=number, stage=stage, message=stage, progress=number
        )
    ProgramOutput.objects.create(deployment=deployment, program="npm", seconds=1, text="added 1")
    client, address = superuser_client(), f"/api/deployments/{deployment.pk}"

    shown = client.get(address).json()

    assert [stage["stage"] for stage in shown["stages"]] == ["INITIALIZING", "GENERATING_CODE"]
    assert (shown["status"], shown["progress"], shown["canRetry"]) == ("running", 15, False)
    later = client.get(f"{address}/events", {"after": 1}).json()["data"]
    assert [event["id"] for event in later] == [2]
    assert client.get(f"{address}/output").json()["data"][0]["text"] == "added 1"


def test_a_waiting_deployment_is_cancelled(workflow: Workflow) -> None:
    deployment = make_deployment(workflow=workflow)

    answer = superuser_client().post(f"/api/deployments/{deployment.pk}/cancel", {}, **JSON)

    assert (answer.json()["status"], answer.json()["cancelledBy"]) == ("cancelled", "root")


def test_a_rollback_goes_to_a_deployment_or_to_the_one_before(
    target: Target, workflow: Workflow
) -> None:
    earlier = make_deployment(workflow=workflow, target=target, **LIVE)
    make_deployment(workflow=workflow, target=target, **LIVE | {"version_id": "v-two"})
    client = superuser_client()

    to = client.post(f"/api/deployments/{earlier.pk}/rollback", {"reason": "Errors"}, **JSON)
    before = client.post(f"/api/workflows/{workflow.pk}/rollback", {}, **JSON)

    assert [answer.status_code for answer in (to, before)] == [202, 202]
    for answer in (to, before):
        assert (answer.json()["action"], answer.json()["aboutId"]) == ("rollback", str(earlier.pk))
    assert to.json()["reason"] == "Errors"


def test_without_an_earlier_deployment_there_is_no_rollback(
    target: Target, workflow: Workflow
) -> None:
    answer = superuser_client().post(f"/api/workflows/{workflow.pk}/rollback", {}, **JSON)

    assert answer.status_code == 409


def test_a_snapshot_is_redeployed_and_failed_parts_are_retried(
    target: Target, workflow: Workflow
) -> None:
    parts = [{"kind": "route", "name": "a.example/*", "done": False, "message": "taken"}]
    partial = make_deployment(
        workflow=workflow, target=target, **LIVE | {"status": "partial"}, parts=parts
    )
    client, address = superuser_client(), f"/api/deployments/{partial.pk}"

    retry = client.post(f"{address}/retry", {}, **JSON)
    redeploy = client.post(f"{address}/redeploy", {}, **JSON)

    assert (retry.status_code, retry.json()["action"]) == (202, "retry")
    assert (redeploy.status_code, redeploy.json()["aboutId"]) == (202, str(partial.pk))


def test_a_worker_is_taken_down(target: Target, workflow: Workflow) -> None:
    make_deployment(workflow=workflow, target=target, **LIVE)
    client, address = superuser_client(), f"/api/workflows/{workflow.pk}/takedown"

    first = client.post(address, {"connectionId": str(target.pk)}, **JSON)
    second = client.post(address, {"connectionId": str(target.pk)}, **JSON)

    assert (first.status_code, first.json()["action"]) == (202, "takedown")
    assert second.status_code == 409


def test_each_call_needs_its_scope_and_its_permission(target: Target, workflow: Workflow) -> None:
    deployment = make_deployment(workflow=workflow, target=target, **LIVE)
    viewer = key_client(make_user("ada", "deployments.view_deployment"))
    reader = key_client(make_user("root", is_superuser=True), ["read", "write"])

    assert viewer.get(f"/api/deployments/{deployment.pk}").status_code == 200
    for address in (
        *(f"/api/workflows/{workflow.pk}/{name}" for name in ("deploy", "plan", "takedown")),
        *(f"/api/deployments/{deployment.pk}/{name}" for name in ("cancel", "retry", "rollback")),
    ):
        assert viewer.post(address, {}, **JSON).status_code == 403
        assert reader.post(address, {}, **JSON).status_code == 403


def test_a_restricted_key_reaches_no_other_deployment(target: Target, workflow: Workflow) -> None:
    own = make_deployment(workflow=workflow, target=target, **LIVE)
    other = make_deployment(target=target, **LIVE)
    client = superuser_client(workflows=[workflow.pk])

    listed = client.get("/api/deployments").json()["data"]

    assert [row["id"] for row in listed] == [str(own.pk)]
    assert client.get(f"/api/deployments/{other.pk}").status_code == 403
    assert client.post(f"/api/deployments/{other.pk}/redeploy", {}, **JSON).status_code == 403
