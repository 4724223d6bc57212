"""Rollbacks: the old version, its triggers, and every reason why a rollback is refused."""

from __future__ import annotations

import pytest

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from deployments.pipeline.adapters.deploy_tools import DeployTools
from deployments.pipeline.stages import Action, Stage, Status
from deployments.services import control as controls
from deployments.services.deploy import request_deployment, request_snapshot
from deployments.services.rollback_check import forecast_secrets
from targets.cloudflare.errors import Cause
from targets.models import Target
from targets.policy import Refused
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.workers import WORKFLOW, deploy_worker
from tests.local_cloudflare.support.zones import create_zone, route_patterns
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    background_worker,
    deploy,
    edit_workflow,
    has_ended,
    has_reached,
    run_queue,
    wait_until,
    workflow_with_settings,
)
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def first(target: Target) -> Deployment:
    """A deployment that has been replaced by another one."""
    first = deploy(make_workflow(), target)
    assert first.workflow
    deploy(edit_workflow(first.workflow, code="return 2;"), target)
    return first


def rolled_back(to: Deployment) -> Deployment:
    return run_queue(controls.roll_back(to, by=Actor(name="ada")))


def live(platform: Platform, worker: str) -> dict[str, float]:
    """Return the versions that serve the Worker's requests on the target, in percent."""
    answer = platform.api("GET", f"workers/scripts/{worker}/deployments").json()
    newest = answer["result"]["deployments"][0]
    return {version["version_id"]: version["percentage"] for version in newest["versions"]}


def test_the_old_version_gets_all_requests(platform: Platform, first: Deployment) -> None:
    done = rolled_back(first)

    assert (done.state, done.work) == (Status.SUCCEEDED, Action.ROLLBACK)
    assert live(platform, done.worker_name) == {first.version_id: 100}
    assert (done.live_version, done.version_id) == (first.version_id, first.version_id)
    assert [record.stage for record in done.records.all()] == list(Action.ROLLBACK.path)


@pytest.mark.long
def test_a_rollback_ends_a_gradual_rollout(platform: Platform, first: Deployment) -> None:
    (newest,) = live(platform, first.worker_name)
    shares = [{"version_id": newest, "percentage": 50}]
    shares += [{"version_id": first.version_id, "percentage": 50}]
    body = {"strategy": "percentage", "versions": shares}
    platform.api("POST", f"workers/scripts/{first.worker_name}/deployments", json=body)
    assert live(platform, first.worker_name) == {newest: 50, first.version_id: 50}

    done = rolled_back(first)

    assert done.state is Status.SUCCEEDED, done.message
    assert live(platform, first.worker_name) == {first.version_id: 100}


def test_routes_and_triggers_are_restored(platform: Platform, target: Target) -> None:
    zone = create_zone(platform, "back.example")
    old = {
        "routes": [{"pattern": "api.back.example/*", "zoneName": "back.example"}],
        "cronTriggers": ["1 1 * * *"],
    }
    first = deploy(workflow_with_settings(old), target)
    assert first.workflow
    new = {
        "routes": [{"pattern": "new.back.example/*", "zoneName": "back.example"}],
        "workersDev": False,
    }
    deploy(edit_workflow(first.workflow, settings=new), target)

    done = rolled_back(first)

    assert done.state is Status.SUCCEEDED, done.message
    assert route_patterns(platform, zone) == {"api.back.example/*": first.worker_name}
    script = f"workers/scripts/{first.worker_name}"
    (schedule,) = platform.api("GET", f"{script}/schedules").json()["result"]["schedules"]
    assert schedule["cron"] == "1 1 * * *"
    assert platform.api("GET", f"{script}/subdomain").json()["result"]["enabled"] is True


def test_a_rollback_cancels_a_running_deployment(
    target: Target, first: Deployment, control: Control
) -> None:
    assert first.workflow
    control.faults(Fault(method="POST", path="/versions$", hang=True))
    running = request_deployment(first.workflow, target=target)
    with background_worker():
        wait_until(has_reached(running, Stage.DEPLOYING))

        back = controls.roll_back(first, by=Actor(name="ada"))

        wait_until(has_ended(running))
        control.faults()
        wait_until(has_ended(back))
    assert (running.state, back.state) == (Status.CANCELLED, Status.SUCCEEDED)
    actions = list(Entry.objects.filter(actor_name="ada").values_list("action", flat=True))
    assert actions == ["rollback requested", "deployment cancelled"]


@pytest.mark.long
def test_a_later_deploy_does_not_supersede_a_rollback(target: Target, first: Deployment) -> None:
    controls.roll_back(first)
    assert first.workflow

    with pytest.raises(Exception, match=r"Rollback #\d+ is queued"):
        request_deployment(first.workflow, target=target)


def refused(to: Deployment, control: Control) -> Deployment:
    """Request a rollback that must be refused before it writes anything."""
    control.forget_calls()
    done = rolled_back(to)
    assert done.state is Status.FAILED
    assert [call for call in control.writes() if call.method != "POST"] == []
    return done


def test_changed_secrets_prevent_a_rollback_and_nothing_is_changed(
    platform: Platform, target: Target, control: Control
) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "one-value", workflow=workflow, is_secret=True)
    first = deploy(workflow, target)
    set_variable("TOKEN", "another-value", workflow=workflow, is_secret=True)
    second = deploy(workflow, target)

    done = refused(first, control)

    assert (done.cause, done.stage) == (Cause.SECRETS, Stage.DEPLOYING)
    assert "secrets of the Worker have changed" in done.message
    assert forecast_secrets(first).saved == ("TOKEN",)
    assert live(platform, first.worker_name) == {second.version_id: 100}
    assert done.uploaded == "no"


def test_a_secret_added_since_is_foreseen_and_refuses_the_rollback_before_a_write(
    target: Target, control: Control
) -> None:
    workflow = make_workflow()
    first = deploy(workflow, target)
    set_variable("TOKEN", "a-value", workflow=workflow, is_secret=True)
    deploy(edit_workflow(workflow, code="return env.TOKEN.length;"), target)

    foreseen = str(forecast_secrets(first).changes)
    done = refused(first, control)

    assert foreseen == "TOKEN was added"
    assert (done.cause, done.stage) == (Cause.SECRETS, Stage.INITIALIZING)
    assert "since that version, TOKEN was added. Nothing was changed." in done.message
    assert control.writes() == []
    assert deploy_snapshot(first).state is Status.SUCCEEDED


def deploy_snapshot(earlier: Deployment) -> Deployment:
    return run_queue(request_snapshot(earlier, by=Actor(name="ada")))


def test_a_version_older_than_the_newest_hundred_cannot_be_rolled_back_to(
    first: Deployment, control: Control
) -> None:
    control.versions(first.worker_name, 101)

    done = refused(first, control)

    assert (done.cause, done.stage) == (Cause.CHANGED, Stage.INITIALIZING)
    assert "keeps only the latest 100 versions" in done.message
    assert control.writes() == []


def test_a_deleted_resource_prevents_a_rollback_and_is_named(
    platform: Platform, target: Target, control: Control
) -> None:
    client, account = platform.client(), platform.account_id
    made = client.kv.namespaces.create(account_id=account, title="to-be-gone")
    assert made
    workflow = make_workflow('return await env.MY_KV.get("x");')
    set_variable("MY_KV_BINDING_ID", made.id, workflow=workflow)
    first = deploy(workflow, target)
    deploy(edit_workflow(workflow, code="return 2;"), target)
    client.kv.namespaces.delete(made.id, account_id=account)

    done = refused(first, control)

    assert (done.cause, done.uploaded) == (Cause.ENVIRONMENT, "no")
    assert f"MY_KV: The KV namespace {made.id} does not exist." in done.message
    assert control.writes() == []


@pytest.mark.long
def test_a_trigger_that_cannot_be_restored_prevents_a_rollback_and_is_named(
    platform: Platform, target: Target, control: Control
) -> None:
    client, account = platform.client(), platform.account_id
    queue = client.queues.create(account_id=account, queue_name="back-jobs")
    assert queue
    first = deploy(workflow_with_settings({"queueConsumers": [{"queue": "back-jobs"}]}), target)
    assert first.workflow
    deploy(edit_workflow(first.workflow, settings={}), target)
    client.queues.delete(queue.queue_id or "", account_id=account)
    deploy_worker(platform, "back-thief", WORKFLOW)
    theirs = {"script_name": "back-thief", "class_name": "Flow"}
    platform.api("PUT", f"workflows/{first.worker_name}", json=theirs).raise_for_status()

    done = refused(first, control)

    assert (done.cause, done.stage) == (Cause.TAKEN, Stage.INITIALIZING)
    assert f"The Workflow {first.worker_name} belongs to the Worker back-thief." in done.message
    assert "There is no queue back-jobs on this target" in done.message
    assert control.writes() == []


def test_its_snapshot_can_be_redeployed(
    target: Target, first: Deployment, control: Control
) -> None:
    control.versions(first.worker_name, 101)
    rolled_back(first)

    again = deploy_snapshot(first)

    assert (again.state, again.work) == (Status.SUCCEEDED, Action.DEPLOY)
    assert (again.script_hash, again.about) == (first.script_hash, first)
    assert again.version_id != first.version_id


@pytest.mark.long
def test_a_rollback_does_not_prevent_the_next_deploy(target: Target, first: Deployment) -> None:
    rolled_back(first)
    assert first.workflow

    assert deploy(first.workflow, target).state is Status.SUCCEEDED


@pytest.mark.long
def test_without_a_number_a_rollback_restores_what_was_live_before(
    target: Target, first: Deployment
) -> None:
    assert controls.previously_live(first.workflow_public_id, target) == first


@pytest.mark.long
def test_a_part_that_cannot_be_restored_is_reported_and_retried(
    target: Target, control: Control
) -> None:
    first = deploy(workflow_with_settings({"cronTriggers": ["1 1 * * *"]}), target)
    assert first.workflow
    deploy(edit_workflow(first.workflow, settings={}), target)
    control.faults(Fault(method="PUT", path="/schedules", status=403, code=10000, message="no"))

    partial = rolled_back(first)
    control.faults()
    retried = run_queue(controls.retry_failed(partial))

    assert partial.state is Status.PARTIAL
    (failed,) = [part for part in partial.parts if not part["done"]]
    assert failed["kind"] == "schedule"
    assert "Workers Scripts Write" in failed["message"]
    assert retried.state is Status.SUCCEEDED, retried.message


@pytest.mark.long
def test_an_unconfirmed_rollback_is_completed_by_its_retry(
    platform: Platform, target: Target, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = create_zone(platform, "unread.example")
    route = {"pattern": "new.unread.example/*", "zoneName": "unread.example"}
    first = deploy(workflow_with_settings({"cronTriggers": ["1 1 * * *"]}), target)
    assert first.workflow
    deploy(edit_workflow(first.workflow, settings={"routes": [route]}), target)

    make_live = DeployTools.make_live

    def then_silent(tools: DeployTools, worker: str, version: str) -> None:
        make_live(tools, worker, version)
        control.faults(Fault(method="GET", path="/deployments$", status=503, code=10013))

    monkeypatch.setattr(DeployTools, "make_live", then_silent)
    back = rolled_back(first)
    control.faults()
    retried = run_queue(controls.retry_failed(back))

    assert (back.state, retried.state) == (Status.PARTIAL, Status.SUCCEEDED)
    assert route_patterns(platform, zone) == {}
    answer = platform.api("GET", f"workers/scripts/{first.worker_name}/schedules")
    assert [schedule["cron"] for schedule in answer.json()["result"]["schedules"]] == ["1 1 * * *"]


def test_a_deployment_that_never_went_live_cannot_be_rolled_back_to(target: Target) -> None:
    failed = deploy(make_workflow("return env.NOBODY_SET;"), target)

    with pytest.raises(Refused, match="did not make a version live"):
        controls.roll_back(failed)
