"""Deployments of a workflow run one at a time, and the newest wins."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from deployments.history import records
from deployments.models import Deployment, Lease
from deployments.pipeline.stages import Status
from deployments.queue import claims, runner
from deployments.services.deploy import request_deployment
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def test_an_older_deployment_that_is_late_uploads_nothing(target: Target, control: Control) -> None:
    older = request_deployment(make_workflow(), target=target)
    held = claims.claim()
    assert held
    assert older.workflow
    Deployment.objects.filter(pk=older.pk).update(status=Status.FAILED.value)
    newer = deploy(edit_workflow(older.workflow, code="return 2;"), target)
    Deployment.objects.filter(pk=older.pk).update(status=Status.RUNNING.value)
    control.forget_calls()

    runner.perform(held)

    older.refresh_from_db()
    assert (newer.state, older.state) == (Status.SUCCEEDED, Status.SUPERSEDED)
    assert (older.uploaded, control.writes()) == ("no", [])
    assert records.live(older.workflow_public_id) == newer


def test_a_waiting_deployment_is_superseded_by_a_newer_one(target: Target) -> None:
    first = request_deployment(make_workflow(), target=target)
    assert first.workflow

    second = request_deployment(first.workflow, target=target)

    first.refresh_from_db()
    assert (first.state, first.superseded_by) == (Status.SUPERSEDED, second)


def test_a_hundred_simultaneous_requests_run_one_and_queue_one(target: Target) -> None:
    workflow = make_workflow()
    together = threading.Barrier(4)

    def press() -> None:
        together.wait()
        for _ in range(25):
            request_deployment(workflow, target=target)
            claims.claim()
        connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(workflow) == {"running": 1, "queued": 1, "superseded": 98}
    assert Lease.objects.count() == 1


def counted(workflow: Workflow) -> dict[str, int]:
    deployments = Deployment.objects.filter(workflow=workflow).values_list("status", flat=True)
    return {status: list(deployments).count(status) for status in set(deployments)}
