"""Instances that wait leave memory, and even their process, and continue as if they had not."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    group_pid,
    pid_file,
    start_run,
    wait_for_output,
    wait_for_status,
    wait_until,
)
from tests.support.platform_fixture import Platform, start_platform

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")

QUICK = {
    "LOCAL_CLOUDFLARE_INSTANCE_IDLE_SECONDS": "0.1",
    "LOCAL_CLOUDFLARE_IDLE_SECONDS": "0.5",
    "LOCAL_CLOUDFLARE_CONCURRENT_INSTANCES": "1",
}

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
let isReleased = false;
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    const calls = [];
    const until = await step.do("first", () => Date.now() + 3000);
    await step.sleepUntil("moment", until);
    for (let left = payload.waits ?? 0; left > 0; left -= 1) {
      const call = await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
      calls.push(call.payload);
    }
    if (payload.sleep) await step.sleep("nap", payload.sleep);
    const retries = { limit: 2, delay: payload.fails ?? 0 };
    await step.do("last", { retries }, async ({ attempt }) => {
      if (payload.fails && attempt === 1) throw new Error("not yet");
      while (payload.holds && !isReleased) await scheduler.wait(10);
    });
    return { calls, late: Date.now() - until };
  }
}
export default {
  async fetch() {
    isReleased = true;
    return new Response("done");
  },
};
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = start_platform(tmp_path_factory.mktemp("memory"), environment=QUICK)
    deploy_workflow(started, "flow", CODE)
    yield started
    started.running.stop()


def _open_files(platform: Platform, run: str) -> int:
    """Return how many files of the run its group's process has open."""
    if not pid_file(platform, "worker-flow").exists():
        return 0
    name = _object_id("miniflare-workflows-flow", run)
    folder = Path(f"/proc/{group_pid(platform, 'worker-flow')}/fd")
    return sum(name in _target(file) for file in folder.iterdir())


def _target(file: Path) -> str:
    with suppress(FileNotFoundError):
        return str(file.readlink())
    return ""


def _object_id(namespace: str, name: str) -> str:
    """Return the id that workerd gives a named Durable Object."""
    key = sha256(namespace.encode()).digest()
    base = hmac.digest(key, name.encode(), "sha256")[:16]
    return (base + hmac.digest(key, base, "sha256")[:16]).hex()


def _wait_until_unloaded(platform: Platform, run: str) -> None:
    wait_until(lambda: _open_files(platform, run) == 0)


def _waiting(platform: Platform, **params: object) -> str:
    """Return a run that waits, and has left memory."""
    run = start_run(platform, "flow", **params)
    wait_for_status(platform, "flow", run, "waiting")
    _wait_until_unloaded(platform, run)
    return run


def _send(platform: Platform, run: str, payload: int) -> None:
    path = f"workflows/flow/instances/{run}/events/call"
    assert platform.api("POST", path, json=payload).status_code == 200


def test_events_reach_an_instance_that_has_left_memory(platform: Platform) -> None:
    run = _waiting(platform, waits=2)

    for event in (1, 2):
        _send(platform, run, event)
        if event == 1:
            _wait_until_unloaded(platform, run)

    assert wait_for_output(platform, "flow", run)["calls"] == [1, 2]


@pytest.mark.parametrize(
    "params", [{"sleep": "2 seconds"}, {"fails": "2 seconds"}], ids=["sleep", "retry"]
)
def test_an_instance_continues_when_its_wait_ends(
    platform: Platform, params: dict[str, Any]
) -> None:
    run = _waiting(platform, **params)

    output = wait_for_output(platform, "flow", run)

    assert output["late"] >= 2000
    steps = describe_run(platform, "flow", run).steps
    assert [step.type for step in steps].count("sleep") == len(steps) - 2


def test_a_queued_instance_leaves_memory_and_runs_in_its_turn(platform: Platform) -> None:
    first = start_run(platform, "flow", holds=True)
    wait_until(lambda: len(describe_run(platform, "flow", first).steps) == 3)
    queued = start_run(platform, "flow")
    wait_for_status(platform, "flow", queued, "queued")
    _wait_until_unloaded(platform, queued)
    assert _open_files(platform, first) > 0

    platform.fetch("flow")

    wait_for_output(platform, "flow", first)
    wait_for_output(platform, "flow", queued)


@pytest.mark.long
@pytest.mark.parametrize("action", ["pause", "terminate", "restart"])
def test_an_instance_that_has_left_memory_is_changed(platform: Platform, action: str) -> None:
    run = _waiting(platform, waits=1)

    path = f"workflows/flow/instances/{run}/status"
    assert platform.api("PATCH", path, json={"status": action}).status_code == 200

    if action == "pause":
        wait_for_status(platform, "flow", run, "paused")
        _wait_until_unloaded(platform, run)
        platform.api("PATCH", path, json={"status": "resume"})
    if action == "terminate":
        wait_for_status(platform, "flow", run, "terminated")
        return
    wait_for_status(platform, "flow", run, "waiting")
    _send(platform, run, 7)
    assert wait_for_output(platform, "flow", run)["calls"] == [7]


@pytest.mark.long
def test_a_group_whose_instances_wait_ends_until_one_wakes(platform: Platform) -> None:
    run = start_run(platform, "flow", sleep="4 seconds")
    wait_for_status(platform, "flow", run, "waiting")

    wait_until(lambda: not pid_file(platform, "worker-flow").exists())

    wait_for_output(platform, "flow", run)


@pytest.mark.long
def test_waiting_instances_stay_out_of_memory_after_a_kill(tmp_path: Path) -> None:
    platform = start_platform(tmp_path / "state", environment=QUICK)
    deploy_workflow(platform, "flow", CODE)
    sleeping = start_run(platform, "flow", sleep="4 seconds")
    waiting = start_run(platform, "flow", waits=1)
    for run in (sleeping, waiting):
        wait_for_status(platform, "flow", run, "waiting")
    platform.kill()

    platform = start_platform(tmp_path / "state", environment=QUICK)
    try:
        wait_for_output(platform, "flow", sleeping)
        _send(platform, waiting, 1)
        assert wait_for_output(platform, "flow", waiting)["calls"] == [1]
    finally:
        platform.running.stop()
