"""Rate limits: a deployment sits out short waits, and is retried after long ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from deployments.queue import claims, runner
from deployments.services.deploy import request_deployment
from targets.cloudflare.errors import Cause
from targets.models import Target
from tests.deployments.factories import make_deployment, make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    background_worker,
    deploy,
    has_ended,
    run_queue,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

# A call by the SDK before the upload, and a call by wrangler for the upload itself.
LOOK = ("GET", "/workers/subdomain$")
UPLOAD = ("PUT", "/workers/scripts/awaitstep-")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def busy(call: tuple[str, str], seconds: int, *, times: int | None = None) -> Fault:
    method, path = call
    return Fault(
        method=method,
        path=path,
        status=429,
        code=10429,
        message="slow down",
        headers={"retry-after": str(seconds)},
        times=times,
    )


def test_a_short_wait_is_shown_and_the_deployment_continues(
    target: Target, control: Control
) -> None:
    control.faults(busy(LOOK, 3, times=1))
    running = request_deployment(make_workflow(), target=target)
    with background_worker():
        wait_until(lambda: Deployment.objects.filter(waits_until__gt=timezone.now()).exists())
        wait_until(has_ended(running))

    assert (running.state, running.waits_until) == (Status.SUCCEEDED, None)
    assert control.fired() == [1]


def test_wrangler_restarts_after_a_short_wait(target: Target, control: Control) -> None:
    control.faults(busy(UPLOAD, 1, times=1))

    done = deploy(make_workflow(), target)

    assert done.state is Status.SUCCEEDED, done.message


@pytest.mark.parametrize(("call", "stage"), [(LOOK, Stage.INITIALIZING), (UPLOAD, Stage.DEPLOYING)])
def test_a_long_wait_ends_the_deployment_and_requeues_it_for_later(
    target: Target, control: Control, call: tuple[str, str], stage: Stage
) -> None:
    control.faults(busy(call, 120))

    stopped = deploy(make_workflow(), target)

    assert (stopped.state, stopped.cause) == (Status.FAILED, Cause.RATE_LIMIT)
    assert (stopped.stage, stopped.uploaded) == (stage, "no")
    again = Deployment.objects.get(status=Status.QUEUED.value)
    assert again.not_before
    assert timedelta(seconds=100) < again.not_before - timezone.now() <= timedelta(seconds=120)
    assert f"{again.not_before:%H:%M:%S} UTC" in stopped.message


def test_a_requeued_deployment_does_not_start_early(target: Target, control: Control) -> None:
    control.faults(busy(LOOK, 120))
    deploy(make_workflow(), target)
    control.faults()
    again = Deployment.objects.get(status=Status.QUEUED.value)

    assert claims.claim() is None

    Deployment.objects.filter(pk=again.pk).update(not_before=timezone.now())
    assert run_queue(again).state is Status.SUCCEEDED
    assert again.attempt == 2


def test_a_new_request_supersedes_a_requeued_deployment(target: Target, control: Control) -> None:
    control.faults(busy(LOOK, 120))
    stopped = deploy(make_workflow(), target)
    control.faults()
    assert stopped.workflow

    assert deploy(stopped.workflow, target).state is Status.SUCCEEDED

    again = Deployment.objects.get(attempt=2)
    assert again.state is Status.SUPERSEDED


NO_MORE = "It will not be retried automatically."


def test_the_last_attempt_announces_no_retry(target: Target, control: Control) -> None:
    control.faults(busy(LOOK, 120))
    fourth = make_deployment(target=target, attempt=4)

    assert "It will be retried then." in run_queue(fourth).message

    Deployment.objects.filter(attempt=5).update(not_before=None)
    last = run_queue(Deployment.objects.get(attempt=5))

    assert last.message.endswith(NO_MORE)
    assert last.records.get(stage=Stage.FAILED.value).message == last.message
    assert not Deployment.objects.filter(status=Status.QUEUED.value).exists()


def test_a_newer_waiting_deployment_prevents_the_retry(target: Target, control: Control) -> None:
    control.faults(busy(LOOK, 120))
    older = make_deployment(target=target)
    held = claims.claim()
    assert held
    newer = make_deployment(workflow=older.workflow, target=target)

    runner.perform(held)

    older.refresh_from_db()
    assert older.message.endswith(NO_MORE)
    assert Deployment.objects.get(status=Status.QUEUED.value) == newer


def test_the_outcome_and_the_next_attempt_are_saved_atomically(
    target: Target, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.faults(busy(LOOK, 120))
    stopped = make_deployment(target=target)
    held = claims.claim()
    assert held

    def fails(*_arguments: object, **_more: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(runner, "_WRITE_RETRIES", (0,))
    monkeypatch.setattr(runner, "enqueue_retry", fails)
    with pytest.raises(DatabaseError):
        runner.perform(held)

    stopped.refresh_from_db()
    assert stopped.state is Status.RUNNING


def test_a_server_error_of_the_target_is_retried(target: Target, control: Control) -> None:
    control.faults(Fault(method="GET", path=LOOK[1], status=503, code=10013, times=2))

    assert deploy(make_workflow(), target).state is Status.SUCCEEDED
    assert control.fired() == [2]


def test_a_persistent_server_error_is_reported_with_its_code(
    target: Target, control: Control
) -> None:
    control.faults(Fault(method="GET", path=LOOK[1], status=503, code=10013, message="we fail"))

    failed = deploy(make_workflow(), target)

    assert (failed.state, failed.cause) == (Status.FAILED, Cause.TARGET)
    assert "we fail [code 10013]" in failed.message
