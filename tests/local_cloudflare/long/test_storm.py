"""Hundreds of runs that sleep at the same time, two kills, and the files that they hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import deploy_workflow, group_pid, wait_until
from tests.support.platform_fixture import Platform, start_platform

RUNS = 400
QUICK = {"LOCAL_CLOUDFLARE_INSTANCE_IDLE_SECONDS": "0.5"}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[list[Platform]]:
    """The platform that runs now, last in the list."""
    started = [start_platform(tmp_path / "state", environment=QUICK)]
    deploy_workflow(started[-1], "storm")
    yield started
    started[-1].running.stop()


def _start(platform: Platform, **params: object) -> None:
    for first in range(0, RUNS, 100):
        batch = [{"instance_id": f"run-{n}", "params": params} for n in range(first, first + 100)]
        created = platform.api("POST", "workflows/storm/instances/batch", json=batch)
        assert created.is_success, created.text


def _counts(platform: Platform) -> Any:
    return platform.api("GET", "workflows/storm").json()["result"]["instances"]


def _open_files(platform: Platform) -> int:
    return len(os.listdir(f"/proc/{group_pid(platform, 'worker-storm')}/fd"))  # noqa: PTH208


def test_no_run_is_lost_through_two_kills(platform: list[Platform], tmp_path: Path) -> None:
    _start(platform[-1], sleep="10 seconds")
    os.kill(group_pid(platform[-1], "worker-storm"), signal.SIGKILL)
    wait_until(lambda: _counts(platform[-1])["complete"] > 0)
    platform[-1].kill()

    platform.append(start_platform(tmp_path / "state", environment=QUICK))

    wait_until(lambda: _counts(platform[-1])["complete"] == RUNS)


def test_runs_that_wait_leave_memory(platform: list[Platform]) -> None:
    before = _open_files(platform[-1])
    _start(platform[-1], wait=True)

    wait_until(lambda: _counts(platform[-1])["waiting"] == RUNS)

    wait_until(lambda: _open_files(platform[-1]) < before + RUNS)
