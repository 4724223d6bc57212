from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from deployments.models import Lease, StageRecord
from deployments.queue import leases, sweeper
from monitoring import checks
from monitoring.checks import NotReady
from tests.deployments.factories import make_deployment
from tests.support.environment import free_port
from toolchain import node_tools

pytestmark = pytest.mark.django_db


def long_ago() -> Any:
    return timezone.now() - timedelta(minutes=2)


def test_the_database_and_its_migrations_are_ready() -> None:
    assert checks.check_database() == "The database responds."
    assert checks.check_migrations() == "All migrations are applied."


def test_a_missing_migration_is_counted() -> None:
    last = MigrationRecorder.Migration.objects.filter(app="deployments").order_by("name").last()
    assert last
    last.delete()

    with pytest.raises(NotReady, match=r"1 migration is not applied: run \S+ manage\.py migrate\."):
        checks.check_migrations()


def test_missing_tools_are_reported_without_their_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_toolchain() == "Cloudflare's tools are installed."
    monkeypatch.setattr(node_tools, "WRANGLER", Path("/nowhere/cli.js"))

    with pytest.raises(NotReady, match="run `make setup`") as raised:
        checks.check_toolchain()
    assert "nowhere" not in str(raised.value)


@pytest.mark.parametrize("is_on", [True, False])
def test_the_platform_is_checked_only_if_it_is_on(settings: Settings, *, is_on: bool) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"local_cloudflare": is_on})

    assert ("platform" in checks.checks()) is is_on


def test_a_platform_that_does_not_listen_is_not_ready(settings: Settings) -> None:
    port = free_port()
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"local_cloudflare_port": port})

    with pytest.raises(NotReady, match=f"does not respond on port {port}"):
        checks.check_platform()


def test_deployments_that_wait_behind_one_that_runs_are_not_a_problem() -> None:
    running = make_deployment(status="running", created_at=long_ago())
    make_deployment(workflow=running.workflow, created_at=long_ago())

    assert checks.check_queue() == "Deployments: 1 waiting, 1 running."


def test_a_deployment_that_may_not_start_yet_is_not_a_problem() -> None:
    later = timezone.now() + timedelta(minutes=1)
    make_deployment(created_at=long_ago(), not_before=later)

    assert checks.check_queue() == "Deployments: 1 waiting, 0 running."


def test_a_deployment_that_no_process_starts_is_a_problem() -> None:
    make_deployment(created_at=long_ago())

    with pytest.raises(
        NotReady, match=r"has been waiting for 1\d\d s, and no process is working on the queue"
    ):
        checks.check_queue()


def test_a_web_server_is_ready_without_workers(settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"tasks": "worker"})
    make_deployment(created_at=long_ago())

    assert "no process is working on the queue. Start a worker." in checks.check_queue()


def test_a_long_queue_that_a_process_works_on_is_not_a_problem() -> None:
    make_deployment(created_at=long_ago())
    leases.grant(make_deployment(status="running"))

    assert checks.check_queue() == "Deployments: 1 waiting, 1 running."


def test_the_moment_between_two_deployments_is_not_a_problem() -> None:
    make_deployment(created_at=long_ago())
    ended = make_deployment(status="succeeded")
    StageRecord.objects.create(deployment=ended, number=1, stage="COMPLETED", progress=100)

    assert checks.check_queue() == "Deployments: 1 waiting, 0 running."


def test_a_worker_whose_heartbeat_has_stopped_does_not_work_on_the_queue() -> None:
    make_deployment(created_at=long_ago())
    claim = leases.grant(make_deployment(status="running"))
    Lease.objects.filter(token=claim.token).update(heartbeat_at=long_ago())

    with pytest.raises(NotReady, match="no process is working on the queue"):
        checks.check_queue()


def test_a_sweeper_that_hangs_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "_latest", [time.monotonic() - 400])

    with pytest.raises(NotReady, match=r"has not run for 40\d s"):
        checks.check_queue()


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_disk().endswith("are free.")
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 2**70)

    with pytest.raises(NotReady, match="AwaitStep needs"):
        checks.check_disk()
