"""Rollbacks of runs that are terminated; generated code that rolls back is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    run_status,
    start_run,
    wait_for,
    wait_for_status,
)
from tests.support.platform_fixture import Platform, start_platform

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const rollback = async ({ output, error }) => { if (!error.message.includes(output.expects)) throw new Error(`${error}`); };
    const seat = await step.do("seat", async () => ({ expects: "terminated" }), { rollback });
    const retries = { limit: 1, delay: event.payload.delay, backoff: "constant" };
    const slow = async ({ ctx }) => { if (event.payload.delay > 10) throw new Error(`not yet ${ctx.step.name}`); };
    await step.do("meal", async () => seat, { rollback: slow, rollbackConfig: { retries } });
    await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
    throw new Error("failed");
  }
}
export default { fetch: () => new Response("") };
"""
NAME = "undone"


def terminate(platform: Platform, instance: str) -> Any:
    path = f"workflows/{NAME}/instances/{instance}/status"
    response = platform.api("PATCH", path, json={"status": "terminate", "rollback": True})
    assert response.status_code == 200, response.text
    return response.json()["result"]["status"]


def steps_of(platform: Platform, instance: str) -> list[tuple[Any, ...]]:
    run = platform.api("GET", f"workflows/{NAME}/instances/{instance}").json()["result"]
    return [(step.get("name"), step["type"], step.get("success")) for step in run["steps"]]


FORWARD = [("seat-1", "step", True), ("meal-1", "step", True), ("ear-1", "waitForEvent", None)]


def test_a_terminated_run_is_rolled_back_in_reverse_order(platform: Platform) -> None:
    deploy_workflow(platform, NAME, CODE)
    instance = start_run(platform, NAME, delay=10)
    wait_for_status(platform, NAME, instance, "waiting")

    terminate(platform, instance)

    wait_for_status(platform, NAME, instance, "terminated")
    assert steps_of(platform, instance)[3:] == [
        ("meal-1", "rollback", True),
        ("seat-1", "rollback", True),
        (None, "termination", None),
    ]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Platform]]:
    """Start platforms on one data directory, one after the other."""
    started: list[Platform] = []

    def start_one() -> Platform:
        started.append(start_platform(tmp_path / "state"))
        return started[-1]

    yield start_one
    for platform in started:
        platform.running.stop()


def test_a_rollback_continues_after_the_platform_was_killed(
    start: Callable[[], Platform],
) -> None:
    before = start()
    deploy_workflow(before, NAME, CODE)
    instance = start_run(before, NAME, delay=5000)
    wait_for_status(before, NAME, instance, "waiting")
    assert terminate(before, instance) == "rollingBack"
    wait_for(lambda: len(steps_of(before, instance)), 4)
    before.kill()

    after = start()

    wait_for(partial(run_status, after, NAME, instance), "terminated")
    run = after.api("GET", f"workflows/{NAME}/instances/{instance}").json()["result"]
    meal = run["steps"][3]
    assert (meal["name"], meal["type"], len(meal["attempts"])) == ("meal-1", "rollback", 2)
    assert run["rollback"]["error"]["message"] == "not yet meal"
