"""Interrupted takedowns: the target is queried for what is left; if nothing is, the takedown is complete."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.history import records
from deployments.models import Deployment, Lease
from deployments.pipeline.adapters.deploy_tools import DeployTools
from deployments.pipeline.stages import Action, Stage, Status, Uploaded
from deployments.presentation.remote_outcome_text import describe_remote_outcome
from deployments.queue import leases, recovery
from targets.cloudflare.errors import Cause, DeployError
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target
from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, run_queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def live(target: Target, **fields: Any) -> Deployment:
    values = {"status": "succeeded", "uploaded": "yes", "version_id": "v1", "live_version": "v1"}
    return make_deployment(target=target, **values | fields)


def takedown(of: Deployment, **fields: Any) -> Deployment:
    values = {"workflow": of.workflow, "target": of.target, "action": Action.TAKEDOWN.value}
    return make_deployment(**values | fields)


def killed(of: Deployment) -> Deployment:
    """A takedown whose process ended while it was removing things."""
    gone = takedown(of, status="running", stage=Stage.UPDATING_WORKFLOW.value)
    leases.grant(gone)
    Lease.objects.update(pid_started=1.0)
    recovery.sweep()
    gone.refresh_from_db()
    return gone


def test_a_takedown_killed_after_its_last_write_is_complete(target: Target) -> None:
    before = live(target)

    done = killed(before)

    assert (done.state, done.stage) == (Status.SUCCEEDED, Stage.COMPLETED)
    assert done.records.get().stage == Stage.COMPLETED
    assert records.live(before.workflow_public_id, target) is None


def test_a_takedown_killed_before_its_last_write_is_interrupted(
    platform: Platform, target: Target
) -> None:
    before = live(target)
    deploy_worker(platform, before.worker_name, HELLO)

    stopped = killed(before)

    assert stopped.state is Status.INTERRUPTED
    assert stopped.live_version
    assert "may still exist" in describe_remote_outcome(stopped)
    assert records.live(before.workflow_public_id, target) == before


def test_the_message_says_that_the_target_is_unreachable() -> None:
    stopped = killed(live(make_target()))

    assert (stopped.state, stopped.uploaded) == (Status.INTERRUPTED, Uploaded.UNKNOWN.value)
    assert "could not find out" in describe_remote_outcome(stopped)


def test_a_zone_that_the_token_can_no_longer_read_stops_a_takedown_before_it_removes_anything(
    platform: Platform, control: Control
) -> None:
    target = account_target(platform, token="no-zones")
    route = {"pattern": "api.unread-zone.example/*", "zone_name": "unread-zone.example"}
    before = live(target, wrangler_json=json.dumps({"routes": [route]}))
    deploy_worker(platform, before.worker_name, HELLO)
    control.tokens(Token(token="no-zones", permissions=("Workers Scripts Write",)))
    control.forget_calls()

    stopped = run_queue(takedown(before))

    assert (stopped.stage, stopped.cause) == (Stage.INITIALIZING, Cause.PERMISSION)
    assert '"Zone Read"' in stopped.message
    assert control.writes() == []


def test_a_failure_after_the_worker_was_removed_is_a_success(
    platform: Platform, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = live(target)
    deploy_worker(platform, before.worker_name, HELLO)
    delete = DeployTools.delete_worker

    def then_fail(tools: DeployTools, worker: str) -> None:
        delete(tools, worker)
        raise DeployError("the target could not be reached")

    monkeypatch.setattr(DeployTools, "delete_worker", then_fail)

    done = run_queue(takedown(before))

    assert done.state is Status.SUCCEEDED, done.message
    assert records.live(before.workflow_public_id, target) is None


def test_a_worker_that_could_not_be_deleted_still_exists(
    platform: Platform, target: Target, control: Control
) -> None:
    before = live(target)
    deploy_worker(platform, before.worker_name, HELLO)
    control.faults(Fault(method="DELETE", path="/workers/scripts/", status=400, code=10064))

    failed = run_queue(takedown(before))

    assert failed.state is Status.FAILED
    assert records.live(before.workflow_public_id, target) == before
