from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from deployments.models import Deployment, Lease
from deployments.queue import claims, leases, recovery
from deployments.services.deploy import request_deployment
from tests.deployments.factories import make_deployment, make_target, make_workflow


def statuses() -> list[str]:
    return list(Deployment.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.django_db
def test_a_newer_request_supersedes_the_waiting_one() -> None:
    workflow = make_workflow()

    first, second = request_deployment(workflow), request_deployment(workflow)

    first.refresh_from_db()
    assert statuses() == ["superseded", "queued"]
    assert first.superseded_by == second
    assert first.records.get().stage == "FAILED"


@pytest.mark.django_db
def test_different_workflows_and_targets_do_not_wait_for_each_other() -> None:
    workflow = make_workflow()

    request_deployment(workflow)
    request_deployment(workflow, target=make_target())
    request_deployment(make_workflow())

    assert statuses() == ["queued"] * 3


@pytest.mark.django_db
def test_the_oldest_free_deployment_is_claimed_first() -> None:
    busy = make_deployment(status="running")
    make_deployment(workflow=busy.workflow)
    free = make_deployment()
    make_deployment()

    held = claims.claim()

    assert held
    assert held.deployment == free


@pytest.mark.django_db
def test_nothing_is_claimed_from_an_empty_queue() -> None:
    make_deployment(status="succeeded")

    assert claims.claim() is None


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_concurrent_workers_claims_a_deployment() -> None:
    make_deployment()
    start, claimed = threading.Barrier(8), []

    def work() -> None:
        start.wait()
        claimed.append(claims.claim())
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([held for held in claimed if held]) == 1
    assert len(claimed) == 8


@pytest.mark.django_db
def test_a_deployment_whose_process_died_is_interrupted_and_frees_the_queue() -> None:
    abandoned = make_deployment(status="running", stage="GENERATING_CODE")
    leases.grant(abandoned)
    Lease.objects.update(pid_started=1.0)
    waiting = make_deployment(workflow=abandoned.workflow)

    recovery.sweep()

    abandoned.refresh_from_db()
    assert (abandoned.status, abandoned.stage, abandoned.uploaded) == (
        "interrupted",
        "GENERATING_CODE",
        "no",
    )
    assert "Interrupted at Generating code" in abandoned.records.get().message
    held = claims.claim()
    assert held
    assert held.deployment == waiting


@pytest.mark.django_db
def test_an_interrupted_upload_is_unknown_if_the_target_does_not_respond() -> None:
    abandoned = make_deployment(status="running", stage="DEPLOYING", target=make_target())
    leases.grant(abandoned)
    Lease.objects.update(pid_started=1.0)

    recovery.sweep()

    abandoned.refresh_from_db()
    assert (abandoned.status, abandoned.uploaded) == ("interrupted", "unknown")


@pytest.mark.django_db
def test_a_sweep_removes_the_folders_of_deployments_that_are_not_running() -> None:
    running = make_deployment(status="running")
    leases.grant(running)
    deploys: Path = settings.AWAITSTEP.data_dir / "deploys"
    kept, left = deploys / f"{running.pk}-abc", deploys / "999999-abc"
    for folder in (kept, left):
        folder.mkdir(parents=True)

    recovery.sweep()

    assert (kept.exists(), left.exists()) == (True, False)
    kept.rmdir()


@pytest.mark.django_db
def test_a_sweep_keeps_the_folder_of_a_plan_that_may_be_running() -> None:
    deploys: Path = settings.AWAITSTEP.data_dir / "deploys"
    looking, left = deploys / "scratch-1-abc", deploys / "scratch-1-old"
    for folder in (looking, left):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))

    recovery.sweep()

    assert (looking.exists(), left.exists()) == (True, False)
    looking.rmdir()
