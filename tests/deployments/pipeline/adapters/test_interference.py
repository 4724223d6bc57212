"""Concurrent changes on the target and here: nothing is lost or done twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.adapters.deploy_tools import DeployTools
from deployments.pipeline.stages import Stage, Status
from deployments.presentation.live_workers import rollbacks, unused_secrets, worker_on
from deployments.queue import claims
from deployments.services import control as controls
from deployments.services.deploy import request_deployment
from targets.cloudflare.errors import Cause
from targets.models import Target
from targets.policy import Refused
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    background_worker,
    deploy,
    edit_workflow,
    has_ended,
    run_queue,
    wait_until,
)
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def test_a_version_that_goes_live_during_the_build_is_not_overwritten(
    target: Target, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = deploy(make_workflow(), target)
    assert first.workflow
    writes = DeployTools.write
    theirs: list[str] = []

    def meanwhile(tools: DeployTools, folder: Path, bundle: Any) -> None:
        theirs.append(control.dashboard_edit(first.worker_name))
        writes(tools, folder, bundle)

    monkeypatch.setattr(DeployTools, "write", meanwhile)
    second = deploy(edit_workflow(first.workflow, code="return 2;"), target)
    monkeypatch.undo()
    third = deploy(first.workflow, target)

    assert (second.stage, second.cause) == (Stage.DEPLOYING, Cause.CHANGED)
    assert (second.uploaded, second.live_version) == ("no", theirs[0])
    assert (third.cause, third.uploaded) == (Cause.CHANGED, "no")


def test_a_cancelled_deployment_is_not_retried(target: Target, control: Control) -> None:
    headers = {"retry-after": "120"}
    control.faults(
        Fault(path="/workers/subdomain$", status=429, headers=headers, delay_milliseconds=4000)
    )
    running = request_deployment(make_workflow(), target=target)
    with background_worker():
        wait_until(lambda: any(call.path.endswith("/subdomain") for call in control.calls()))
        controls.cancel(running, by=Actor(name="ada"))
        wait_until(has_ended(running))

    assert running.state is Status.CANCELLED
    assert not Deployment.objects.filter(status=Status.QUEUED.value).exists()


@pytest.mark.long
def test_a_retried_rollback_keeps_its_content(target: Target, control: Control) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "one-value", workflow=workflow, is_secret=True)
    first = deploy(workflow, target)
    deploy(edit_workflow(workflow, code="return env.TOKEN;"), target)
    busy = {"retry-after": "120"}
    control.faults(Fault(method="POST", path="/deployments$", status=429, headers=busy))
    stopped = run_queue(controls.roll_back(first))
    control.faults()
    Deployment.objects.filter(status=Status.QUEUED.value).update(not_before=None)

    again = run_queue(Deployment.objects.get(status=Status.QUEUED.value))

    assert (stopped.cause, again.state) == (Cause.RATE_LIMIT, Status.SUCCEEDED)
    assert again.secret_names == ["TOKEN"]
    assert unused_secrets(worker_on(workflow, target)) == []


def test_a_rollback_reads_the_triggers_before_it_writes(target: Target, control: Control) -> None:
    first = deploy(make_workflow(), target)
    assert first.workflow
    deploy(edit_workflow(first.workflow, code="return 2;"), target)
    control.faults(Fault(method="GET", path="/schedules$", status=403, code=10000, message="no"))
    control.forget_calls()

    failed = run_queue(controls.roll_back(first))

    assert (failed.state, failed.stage) == (Status.FAILED, Stage.INITIALIZING)
    assert control.writes() == []


@pytest.mark.long
def test_a_version_uploaded_before_a_cancellation_is_live(target: Target, control: Control) -> None:
    first = deploy(make_workflow(), target)
    assert first.workflow
    control.faults(Fault(method="PUT", path="/schedules$", hang=True))
    control.forget_calls()
    second = request_deployment(edit_workflow(first.workflow, code="return 2;"), target=target)
    with background_worker():
        wait_until(lambda: any(call.path.endswith("/schedules") for call in control.writes()))
        controls.cancel(second, by=Actor(name="ada"))
        wait_until(has_ended(second))

    assert (second.state, second.uploaded) == (Status.CANCELLED, "yes")
    assert second.version_id == second.live_version != first.version_id
    assert records.live(first.workflow_public_id, target) == second
    assert rollbacks(worker_on(first.workflow, target)) == [first]
    assert controls.previously_live(first.workflow_public_id, target) == first


def test_a_secret_that_the_live_version_uses_is_not_deleted(
    target: Target, control: Control
) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "a-value", workflow=workflow, is_secret=True)
    deploy(workflow, target)
    control.forget_calls()

    refused = run_queue(controls.delete_secrets(workflow, target, ["TOKEN"]))

    assert "The live version uses TOKEN" in refused.message
    assert control.writes() == []


def test_a_queued_deployment_is_refused_if_its_target_has_been_frozen(
    target: Target, control: Control
) -> None:
    waiting = request_deployment(make_workflow(), target=target)
    Target.objects.filter(pk=target.pk).update(frozen_from=timezone.now() - timedelta(hours=1))
    control.forget_calls()

    refused = run_queue(waiting)

    assert (refused.state, refused.cause) == (Status.FAILED, Cause.POLICY)
    assert control.calls() == []


def test_a_queued_deployment_is_refused_if_its_target_has_come_to_require_tests(
    target: Target, control: Control
) -> None:
    waiting = request_deployment(make_workflow(), target=target)
    Target.objects.filter(pk=target.pk).update(requires_tests=True)
    control.forget_calls()

    refused = run_queue(waiting)

    assert (refused.state, refused.cause) == (Status.FAILED, Cause.POLICY)
    assert "require tests since this deployment was requested, and v1 has" in refused.message
    assert control.calls() == []


@pytest.mark.long
@pytest.mark.parametrize("results", [[], [{"name": "a", "passed": False, "result": None}]])
def test_a_queued_deployment_whose_tests_were_overridden_is_deployed(
    target: Target, results: list[Any]
) -> None:
    waiting = request_deployment(make_workflow(), target=target)
    Deployment.objects.filter(pk=waiting.pk).update(required_tests=results)
    Target.objects.filter(pk=target.pk).update(requires_tests=True)

    assert run_queue(waiting).state is Status.SUCCEEDED


def test_a_rollback_goes_before_queued_deploys(target: Target) -> None:
    first = deploy(make_workflow(), target)
    request_deployment(make_workflow(), target=target)
    back = controls.roll_back(first)

    held = claims.claim()

    assert held
    assert held.deployment == back


def test_a_deploy_from_outside_is_not_overwritten(
    platform: Platform, target: Target, tmp_path: Path
) -> None:
    ours = deploy(make_workflow(), target)
    assert ours.workflow
    theirs = Project(platform=platform, folder=tmp_path, name=ours.worker_name)
    theirs.write("export default { fetch: () => new Response('theirs') };")
    theirs.deploy()

    refused = deploy(ours.workflow, target)
    forced = deploy(ours.workflow, target, overwrite=True)

    assert (refused.cause, refused.stage) == (Cause.CHANGED, Stage.INITIALIZING)
    assert "a deploy from outside AwaitStep" in refused.message
    assert forced.state is Status.SUCCEEDED, forced.message


@pytest.mark.long
def test_a_deploy_through_another_target_of_the_account_is_ours(
    platform: Platform, target: Target
) -> None:
    workflow = make_workflow()
    deploy(workflow, target)
    other = account_target(platform, name="same-account")

    assert deploy(workflow, other).state is Status.SUCCEEDED
    assert deploy(edit_workflow(workflow, code="return 2;"), target).state is Status.SUCCEEDED


def test_after_a_takedown_earlier_versions_cannot_be_rolled_back_to(target: Target) -> None:
    first = deploy(make_workflow(), target)
    assert first.workflow
    run_queue(controls.take_down(first.workflow, target))

    with pytest.raises(Refused, match=r"redeploy the snapshot of #\d+"):
        controls.roll_back(first)
    with pytest.raises(Refused, match="was already taken down from account"):
        controls.take_down(first.workflow, target)


def test_a_second_takedown_is_refused_while_one_is_queued(target: Target) -> None:
    live = deploy(make_workflow(), target)
    assert live.workflow
    controls.take_down(live.workflow, target)

    with pytest.raises(Exception, match="already being taken down"):
        controls.take_down(live.workflow, target)
