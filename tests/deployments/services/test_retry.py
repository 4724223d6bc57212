"""wrangler's deploy is not atomic: the code can be live without some of its triggers."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.stages import Action, Stage, Status
from deployments.services import control as controls
from targets.models import Target
from targets.policy import Refused
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.zones import create_zone, route_patterns
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    run_queue,
    workflow_with_settings,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

ZONE = "partial.example"
SETTINGS = {
    "routes": [{"pattern": f"api.{ZONE}/*", "zoneName": ZONE}],
    "customDomains": [f"www.{ZONE}"],
    "cronTriggers": ["1 1 * * *"],
    "queueConsumers": [{"queue": "partial-jobs"}],
}
# For each kind of part: the call with which wrangler sets it, and with which the SDK sets it again.
CALLS = {
    "workflow": ("PUT", "/workflows/awaitstep-"),
    "subdomain": ("POST", "/subdomain$"),
    "route": ("PUT", "/routes$"),
    "domain": ("PUT", "/domains/records$"),
    "schedule": ("PUT", "/schedules$"),
    "queue": ("POST", "/consumers$"),
}


@pytest.fixture(scope="module")
def zone(platform: Platform) -> str:
    """A zone of the account, and a queue without a consumer."""
    client, account = platform.client(), platform.account_id
    client.queues.create(account_id=account, queue_name="partial-jobs")
    return create_zone(platform, ZONE)


@pytest.fixture
def target(platform: Platform, zone: str) -> Target:
    return account_target(platform)


def without(kind: str, target: Target, control: Control) -> Deployment:
    """A deployment whose parts of this kind failed."""
    method, path = CALLS[kind]
    control.faults(Fault(method=method, path=path, status=400, code=10021, message="not today"))
    partial = deploy(workflow_with_settings(SETTINGS), target)
    control.faults()
    control.forget_calls()
    return partial


def failed_kinds(deployment: Deployment) -> set[str]:
    return {part["kind"] for part in deployment.parts if not part["done"]}


@pytest.fixture
def cleared(target: Target, no_workers: None) -> Any:
    """Take down what a test deploys, because routes, domains and queues have one Worker each."""
    yield
    deployed = Deployment.objects.filter(action=Action.DEPLOY.value)
    for workflow in {item.workflow for item in deployed if item.workflow}:
        takedown = run_queue(controls.take_down(workflow, target))
        assert takedown.state is Status.SUCCEEDED, takedown.message


@pytest.mark.usefixtures("cleared")
@pytest.mark.parametrize("kind", CALLS)
def test_only_the_failed_part_is_reported_and_retried(
    kind: str, target: Target, control: Control
) -> None:
    partial = without(kind, target, control)

    assert (partial.state, partial.stage) == (Status.PARTIAL, Stage.UPDATING_WORKFLOW)
    assert partial.live_version == partial.version_id != ""
    assert kind in failed_kinds(partial)
    assert any("10021" in part["message"] for part in partial.parts), partial.parts

    retried = run_queue(controls.retry_failed(partial))

    assert retried.state is Status.SUCCEEDED, (retried.message, retried.parts)
    assert not [call for call in control.writes() if "/versions" in call.path]
    assert records.live(partial.workflow_public_id) == retried


@pytest.mark.long
@pytest.mark.usefixtures("cleared")
def test_a_retry_writes_only_the_failed_parts(target: Target, control: Control) -> None:
    partial = without("workflow", target, control)
    assert failed_kinds(partial) == {"workflow"}

    run_queue(controls.retry_failed(partial))

    assert [(call.method, call.path.rpartition("/")[2]) for call in control.writes()] == [
        ("PUT", partial.worker_name)
    ]


@pytest.mark.long
@pytest.mark.usefixtures("cleared")
def test_a_retry_that_fails_again_is_partial_again(target: Target, control: Control) -> None:
    partial = without("schedule", target, control)
    control.faults(Fault(method="PUT", path="/schedules", status=400, code=10021, message="still"))

    again = run_queue(controls.retry_failed(partial))

    assert (again.state, failed_kinds(again)) == (Status.PARTIAL, {"schedule"})
    assert any("still" in part["message"] for part in again.parts)


@pytest.mark.long
@pytest.mark.usefixtures("cleared")
def test_routes_and_domains_that_are_no_longer_expected_are_removed(
    platform: Platform, zone: str, target: Target
) -> None:
    first = deploy(workflow_with_settings(SETTINGS), target)
    assert first.state is Status.SUCCEEDED, first.message
    assert first.workflow

    second = deploy(edit_workflow(first.workflow, settings={}), target)

    assert second.state is Status.SUCCEEDED, second.message
    assert route_patterns(platform, zone) == {}
    domains = platform.api("GET", f"workers/domains?service={first.worker_name}").json()["result"]
    assert domains == []


@pytest.mark.usefixtures("cleared")
def test_a_wrangler_error_is_ignored_if_every_part_is_in_place(
    target: Target, control: Control
) -> None:
    control.faults(
        Fault(method="PUT", path="/workflows/awaitstep-", status=500, code=1, after=True)
    )

    done = deploy(make_workflow(), target)

    assert done.state is Status.SUCCEEDED, done.parts


def test_a_retry_without_failed_parts_is_refused(target: Target) -> None:
    done = deploy(make_workflow(), target)

    with pytest.raises(Refused, match="has no failed part"):
        controls.retry_failed(done)
