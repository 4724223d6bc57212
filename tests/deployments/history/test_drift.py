"""Drift on a real platform is found, described, adopted or overwritten. Unused secrets."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.trail import Actor
from deployments import drift
from deployments.history import records
from deployments.models import Deployment, DriftState
from deployments.pipeline.stages import Stage, Status
from deployments.presentation.live_workers import unused_secrets, worker_on
from deployments.services import control as controls
from deployments.services.deploy import request_snapshot
from targets.cloudflare.errors import Cause
from targets.models import Target
from targets.policy import Refused
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.workers import deploy_version, live_version
from tests.local_cloudflare.support.zones import create_zone, route_patterns
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    run_queue,
    workflow_with_settings,
)
from workflows.models import Workflow
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def deployed(target: Target) -> Deployment:
    return succeeded(deploy(make_workflow(), target))


def succeeded(deployment: Deployment) -> Deployment:
    assert deployment.state is Status.SUCCEEDED, deployment.message
    return deployment


def workflow_of(deployment: Deployment) -> Workflow:
    assert deployment.workflow
    return deployment.workflow


def set_crons(platform: Platform, worker: str, *crons: str) -> None:
    body = [{"cron": cron} for cron in crons]
    platform.api("PUT", f"workers/scripts/{worker}/schedules", json=body).raise_for_status()


def test_a_new_deployment_has_not_drifted(target: Target, deployed: Deployment) -> None:
    drift_check = drift.check(workflow_of(deployed), target)

    assert (drift_check.state, drift_check.differences) == (DriftState.SAME, [])
    assert drift_check.live_version == deployed.version_id


def test_a_check_writes_nothing_to_the_target(
    target: Target, deployed: Deployment, control: Control
) -> None:
    control.forget_calls()

    drift.check(workflow_of(deployed), target)

    assert control.writes() == []


def test_a_schedule_that_was_set_by_the_api_is_drift(
    platform: Platform, target: Target, deployed: Deployment
) -> None:
    set_crons(platform, deployed.worker_name, "1 2 * * *")

    drift_check = drift.check(workflow_of(deployed), target)

    assert drift_check.state == DriftState.DRIFTED
    assert drift_check.differences == ["Schedule exists (1 2 * * *) but should not."]


@pytest.mark.long
def test_an_edit_on_the_dashboard_is_drift(
    target: Target, deployed: Deployment, control: Control
) -> None:
    version = control.dashboard_edit(deployed.worker_name)

    drift_check = drift.check(workflow_of(deployed), target)

    assert drift_check.state == DriftState.DRIFTED
    assert drift_check.differences[0] == (
        f"Version {version} is live, deployed in the Cloudflare dashboard; "
        f"expected {deployed.version_id}."
    )


@pytest.mark.long
def test_a_route_that_was_removed_is_drift(platform: Platform, target: Target) -> None:
    zone = create_zone(platform, "drift.example")
    route = {"pattern": "api.drift.example/*", "zoneName": "drift.example"}
    deployed = succeeded(deploy(workflow_with_settings({"routes": [route]}), target))
    for item in platform.client().workers.routes.list(zone_id=zone):
        platform.client().workers.routes.delete(item.id, zone_id=zone)

    drift_check = drift.check(workflow_of(deployed), target)

    expected = "Route api.drift.example/* is missing; it should be in zone drift.example."
    assert drift_check.differences == [expected]


@pytest.mark.long
def test_a_deleted_worker_is_reported_and_can_be_deployed_again(
    platform: Platform, target: Target, deployed: Deployment
) -> None:
    platform.api("DELETE", f"workers/scripts/{deployed.worker_name}").raise_for_status()

    drift_check = drift.check(workflow_of(deployed), target)

    assert drift_check.state == DriftState.GONE
    succeeded(deploy(workflow_of(deployed), target))
    assert drift.check(workflow_of(deployed), target).state == DriftState.SAME


def test_an_unreachable_target_is_not_drift(
    target: Target, deployed: Deployment, control: Control
) -> None:
    control.faults(Fault(path="/deployments", status=500, code=10001, message="Oops"))

    drift_check = drift.check(workflow_of(deployed), target)

    assert drift_check.state == DriftState.UNKNOWN
    assert "Oops" in drift_check.message


@pytest.mark.long
def test_adopted_drift_is_expected_until_the_next_deploy(
    platform: Platform, target: Target, deployed: Deployment, control: Control
) -> None:
    workflow = workflow_of(deployed)
    version = control.dashboard_edit(deployed.worker_name)
    set_crons(platform, deployed.worker_name, "1 2 * * *")

    drift.adopt(drift.check(workflow, target), by=Actor(name="ada"))

    assert drift.check(workflow, target).state == DriftState.SAME
    assert records.known_version(workflow.pk, target) == version
    assert worker_on(workflow, target).triggers.crons == {"1 2 * * *"}
    succeeded(deploy(edit_workflow(workflow, code="return 2;"), target))
    assert drift.check(workflow, target).state == DriftState.SAME
    assert worker_on(workflow, target).triggers.crons == frozenset()


def roll_out(platform: Platform, worker: str, older: str, control: Control) -> str:
    """Split the requests between a version and a newer one; return the newer one."""
    newer = control.dashboard_edit(worker)
    shares = [(newer, 40), (older, 60)]
    versions = [{"version_id": id_, "percentage": share} for id_, share in shares]
    body = {"strategy": "percentage", "versions": versions}
    response = platform.api("POST", f"workers/scripts/{worker}/deployments", json=body)
    assert response.status_code == 200, response.text
    return newer


@pytest.mark.long
def test_a_gradual_rollout_cannot_be_adopted(
    platform: Platform, target: Target, deployed: Deployment, control: Control
) -> None:
    newer = roll_out(platform, deployed.worker_name, deployed.version_id, control)
    drift_check = drift.check(workflow_of(deployed), target)
    assert f"40 % to {newer}" in drift_check.differences[0]

    with pytest.raises(Refused, match="Finish the rollout on the target"):
        drift.adopt(drift_check, by=Actor(name="ada"))

    drift_check.refresh_from_db()
    assert (drift_check.state, drift_check.adopted_after) == (DriftState.DRIFTED, None)
    assert not worker_on(workflow_of(deployed), target).can_be_adopted


@pytest.mark.long
def test_a_finished_rollout_can_be_adopted(
    platform: Platform, target: Target, deployed: Deployment, control: Control
) -> None:
    newer = roll_out(platform, deployed.worker_name, deployed.version_id, control)
    deploy_version(platform, deployed.worker_name, newer)

    drift.adopt(drift.check(workflow_of(deployed), target), by=Actor(name="ada"))

    assert drift.check(workflow_of(deployed), target).state == DriftState.SAME
    assert records.known_version(workflow_of(deployed).pk, target) == newer


@pytest.mark.long
def test_a_deploy_during_a_rollout_is_refused_and_with_overwrite_ends_it(
    platform: Platform, target: Target, deployed: Deployment, control: Control
) -> None:
    workflow = workflow_of(deployed)
    roll_out(platform, deployed.worker_name, deployed.version_id, control)

    refused = deploy(edit_workflow(workflow, code="return 2;"), target)

    assert (refused.state, refused.cause) == (Status.FAILED, Cause.CHANGED)
    assert "A gradual rollout of the Worker is in progress" in refused.message
    finished = succeeded(deploy(workflow, target, overwrite=True))
    assert live_version(platform, deployed.worker_name) == finished.version_id
    assert drift.check(workflow, target).state == DriftState.SAME


def test_a_deploy_refuses_to_undo_an_edit_without_overwrite(
    target: Target, deployed: Deployment, control: Control
) -> None:
    workflow = workflow_of(deployed)
    control.dashboard_edit(deployed.worker_name)

    refused = deploy(edit_workflow(workflow, code="return 2;"), target)

    assert (refused.state, refused.cause) == (Status.FAILED, Cause.CHANGED)
    succeeded(deploy(workflow, target, overwrite=True))
    assert drift.check(workflow, target).state == DriftState.SAME


@pytest.mark.long
def test_an_unused_secret_is_found_and_deleted_without_blocking_later_deploys(
    target: Target,
) -> None:
    workflow = make_workflow("return env.TOKEN;")
    variable = set_variable("TOKEN", "sentinel", workflow=workflow, is_secret=True)
    succeeded(deploy(workflow, target))
    assert unused_secrets(worker_on(workflow, target)) == []
    variable.delete()
    succeeded(deploy(edit_workflow(workflow, code="return 2;"), target))
    assert unused_secrets(worker_on(workflow, target)) == ["TOKEN"]

    succeeded(run_queue(controls.delete_secrets(workflow, target, ["TOKEN"], by=Actor(name="ada"))))

    assert unused_secrets(worker_on(workflow, target)) == []
    assert drift.check(workflow, target).state == DriftState.SAME
    succeeded(deploy(edit_workflow(workflow, code="return 3;"), target))


@pytest.mark.long
def test_after_a_rollback_secrets_are_deleted_once_the_snapshot_is_redeployed(
    target: Target, admin_client: Client, control: Control
) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "a-value", workflow=workflow, is_secret=True)
    deploy(workflow, target)
    workflow.variables.all().delete()
    first = deploy(edit_workflow(workflow, code="return 2;"), target)
    deploy(edit_workflow(workflow, code="return 3;"), target)
    back = succeeded(run_queue(controls.roll_back(first)))
    control.forget_calls()

    stopped = run_queue(controls.delete_secrets(workflow, target, ["TOKEN"]))
    writes = control.writes()
    page = admin_client.get(stopped.get_absolute_url()).content.decode()
    run_queue(request_snapshot(back))
    done = run_queue(controls.delete_secrets(workflow, target, ["TOKEN"]))

    assert (stopped.stage, stopped.cause, writes) == (Stage.INITIALIZING, Cause.CHANGED, [])
    assert "Deploy first, then delete the secrets" in stopped.message
    assert f"Deploy the snapshot of #{back.pk}" in page
    succeeded(done)


def test_the_page_finds_the_secrets_on_the_target(target: Target, admin_client: Client) -> None:
    workflow = make_workflow("return env.TOKEN;")
    set_variable("TOKEN", "sentinel", workflow=workflow, is_secret=True).save()
    succeeded(deploy(workflow, target))
    workflow.variables.all().delete()
    succeeded(deploy(edit_workflow(workflow, code="return 2;"), target))

    url = f"/workflows/{workflow.pk}/live/secrets/?target={target.pk}"
    page = admin_client.get(url).content.decode()

    assert 'name="secret" value="TOKEN"' in page
    assert "sentinel" not in page


def test_after_a_takedown_nothing_is_live_on_the_target_or_in_the_record(
    platform: Platform, target: Target
) -> None:
    zone = create_zone(platform, "undone.example")
    route = {"pattern": "api.undone.example/*", "zoneName": "undone.example"}
    workflow = workflow_with_settings({"routes": [route], "cronTriggers": ["1 1 * * *"]})
    deployed = succeeded(deploy(workflow, target))

    down = succeeded(run_queue(controls.take_down(workflow, target, by=Actor(name="ada"))))

    assert platform.api("GET", f"workers/services/{deployed.worker_name}").status_code == 404
    assert route_patterns(platform, zone) == {}
    assert (worker_on(workflow, target).live, worker_on(workflow, target).taken_down) == (
        None,
        down,
    )
    assert drift.check(workflow, target).state == DriftState.UNKNOWN
    succeeded(deploy(workflow, target))
    assert worker_on(workflow, target).live
