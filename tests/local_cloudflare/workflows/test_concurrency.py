"""Limits on running instances: the account's, which all groups share although each runs in its own process, and a Workflow's own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    group_pid,
    run_status,
    send_event,
    start_run,
    wait_for_status,
    wait_until,
)
from tests.support.platform_fixture import start_platform

LIMIT = {"LOCAL_CLOUDFLARE_CONCURRENT_INSTANCES": "2"}

UNFINISHED = ("queued", "running", "waiting", "paused", "waitingForPause")

# The step of an instance runs until a request names the instance; a sleep or a wait comes before it. After an error, the
# code may linger until a request. A request with a body changes several instances at the same moment.
CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
const ended = new Set();
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    try {
      await this.work(event, step);
    } catch (error) {
      while (event.payload.lingers && !ended.has("lingering")) await scheduler.wait(10);
      throw error;
    }
  }

  async work({ payload, instanceId }, step) {
    const { sleep, wait, fails } = payload;
    if (sleep) await step.sleep("nap", sleep);
    if (wait) await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
    const retries = { limit: 1, delay: fails ?? 0 };
    await step.do("work", { retries }, async ({ attempt }) => {
      if (fails && attempt === 1) throw new Error("not yet");
      while (!ended.has(instanceId)) await scheduler.wait(10);
    });
  }
}
export default {
  async fetch(request, { WORKFLOW }) {
    if (request.method === "POST") {
      const changes = Object.entries(await request.json());
      await Promise.all(changes.map(async ([id, action]) => (await WORKFLOW.get(id))[action]()));
    } else ended.add(new URL(request.url).pathname.slice(1));
    return new Response("done");
  },
};
"""


class Account:
    """A platform with two Workflows, each in its own group."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.platform = start_platform(folder, environment=LIMIT)
        self.workflows: dict[str, str] = {}
        for name in ("first", "second"):
            deploy_workflow(self.platform, name, CODE)

    def run(self, workflow: str, **params: object) -> str:
        run = start_run(self.platform, workflow, **params)
        self.workflows[run] = workflow
        return run

    def statuses(self, runs: list[str]) -> list[str]:
        return [run_status(self.platform, self.workflows[run], run) for run in runs]

    def listed(self, workflow: str, status: str) -> list[str]:
        """Return the ids of the runs with this status, newest first."""
        path = f"workflows/{workflow}/instances?status={status}"
        return [row["id"] for row in self.platform.api("GET", path).json()["result"]]

    def describe(self, run: str) -> Any:
        return describe_run(self.platform, self.workflows[run], run)

    def attempts(self, run: str) -> int:
        """Return how often the run's first step has started."""
        steps = self.describe(run).steps
        return len(steps[0].attempts) if steps else 0

    def becomes(self, status: str, *runs: str) -> None:
        for run in runs:
            wait_for_status(self.platform, self.workflows[run], run, status)

    def let_step_end(self, run: str) -> None:
        self.platform.fetch(self.workflows[run], f"/{run}")

    def end(self, run: str) -> None:
        """Let the run complete."""
        self.let_step_end(run)
        self.becomes("complete", run)

    def change(self, run: str, action: str) -> None:
        path = f"workflows/{self.workflows[run]}/instances/{run}"
        if action == "delete":
            response = self.platform.api("DELETE", path)
        else:
            response = self.platform.api("PATCH", f"{path}/status", json={"status": action})
        assert response.status_code == 200, response.text

    def limit(self, workflow: str, limit: object) -> httpx.Response:
        """Set the Workflow's own limit; None removes it."""
        body = {"script_name": workflow, "class_name": "Flow"}
        if limit is not None:
            body |= {"concurrency": {"limit": limit}}  # type: ignore[dict-item]
        return self.platform.api("PUT", f"workflows/{workflow}", json=body)

    def delete_workflow(self, name: str) -> None:
        assert self.platform.api("DELETE", f"workflows/{name}").status_code == 200

    def change_together(self, changes: dict[str, str]) -> None:
        """Change runs of the first Workflow at the same moment."""
        changed = self.platform.fetch("first", method="POST", json=changes)
        assert changed.status_code == 200, changed.text

    def terminate_all(self) -> None:
        for workflow in ("first", "second"):
            path = f"workflows/{workflow}/instances/terminate"
            assert self.platform.api("PUT", path).json()["result"] == {"status": "ok"}
        for workflow in ("first", "second"):
            wait_until(partial(self.is_not_terminating, workflow))
            assert not any(self.listed(workflow, status) for status in UNFINISHED)

    def is_not_terminating(self, workflow: str) -> bool:
        response = self.platform.api("GET", f"workflows/{workflow}/instances/terminate")
        return bool(response.json()["result"] == {"status": "not_running"})

    def restart(self) -> None:
        """Kill the platform, and restart it."""
        self.platform.kill()
        self.platform = start_platform(self.folder, environment=LIMIT)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    account = Account(tmp_path_factory.mktemp("account"))
    yield account
    account.platform.running.stop()


@pytest.fixture
def busy(account: Account) -> Iterator[list[str]]:
    """A running instance of each Workflow; together they have all permits."""
    runs = [account.run("first"), account.run("second")]
    account.becomes("running", *runs)
    yield runs
    account.terminate_all()


def test_instances_beyond_the_limit_are_queued_and_run_in_order(
    account: Account, busy: list[str]
) -> None:
    queued = [account.run("second"), account.run("first"), account.run("second")]
    account.becomes("queued", *queued)
    assert account.describe(queued[0]).start is None
    assert account.listed("second", "queued") == [queued[2], queued[0]]

    account.end(busy[0])
    account.becomes("running", queued[0])
    assert account.describe(queued[0]).start is not None
    assert account.statuses(queued[1:]) == ["queued", "queued"]

    account.end(queued[0])
    account.becomes("running", queued[1])
    assert account.statuses(queued[2:]) == ["queued"]


@pytest.mark.parametrize(
    "params",
    [{"wait": True}, {"sleep": "1 hour"}, {"fails": "1 hour"}],
    ids=["event", "sleep", "retry"],
)
def test_a_waiting_instance_does_not_count_toward_the_limit(
    account: Account, busy: list[str], params: dict[str, Any]
) -> None:
    account.end(busy[0])
    waiting = account.run("first", **params)
    account.becomes("waiting", waiting)

    account.becomes("running", account.run("second"))

    assert account.statuses([waiting]) == ["waiting"]


def test_an_instance_that_wakes_up_is_queued(account: Account, busy: list[str]) -> None:
    account.end(busy[0])
    waiting = account.run("first", wait=True)
    account.becomes("waiting", waiting)
    account.becomes("running", account.run("second"))

    send_event(account.platform, "first", waiting)

    account.becomes("queued", waiting)
    account.end(busy[1])
    account.end(waiting)


def test_a_queued_instance_leaves_the_queue(account: Account, busy: list[str]) -> None:
    paused, terminated, deleted, last = queued = [
        account.run("second"),
        account.run("second"),
        account.run("first"),
        account.run("second"),
    ]
    account.becomes("queued", *queued)

    account.change(paused, "pause")
    account.change(terminated, "terminate")
    account.change(deleted, "delete")
    account.end(busy[0])

    account.becomes("running", last)
    assert account.statuses([paused, terminated]) == ["paused", "terminated"]
    account.change(paused, "resume")
    account.becomes("queued", paused)
    account.end(last)
    account.end(paused)


def test_an_instance_keeps_its_permit_when_it_is_restarted(
    account: Account, busy: list[str]
) -> None:
    queued = account.run("second")
    account.becomes("queued", queued)

    account.change(busy[0], "restart")

    account.becomes("running", busy[0])
    assert account.statuses([queued]) == ["queued"]


@pytest.mark.parametrize("action", ["pause", "terminate", "delete"])
def test_a_running_instance_that_is_stopped_makes_room(
    account: Account, busy: list[str], action: str
) -> None:
    queued = account.run("second", wait=True)
    account.becomes("queued", queued)

    account.change(busy[0], action)
    account.let_step_end(busy[0])

    account.becomes("waiting", queued)


def test_the_instances_of_a_deleted_workflow_make_room(account: Account, busy: list[str]) -> None:
    deploy_workflow(account.platform, "third", CODE)
    account.end(busy[0])
    account.becomes("running", account.run("third"))
    queued = account.run("second")
    account.becomes("queued", queued)

    account.delete_workflow("third")

    account.becomes("running", queued)


@pytest.mark.long
@pytest.mark.parametrize("ended", ["platform", "process"])
def test_the_queue_survives_the_end_of(account: Account, busy: list[str], ended: str) -> None:
    account.end(busy[0])
    waiting = account.run("first", sleep="1 hour")
    account.becomes("waiting", waiting)
    running = account.run("first")
    wait_until(
        lambda: account.attempts(running) == 1
    )  # a running instance may not have started its step
    queued = [account.run("second"), account.run("first")]
    account.becomes("queued", *queued)

    if ended == "platform":
        account.restart()
    else:
        os.kill(group_pid(account.platform, "worker-first"), signal.SIGKILL)

    wait_until(lambda: account.attempts(running) == 2)
    assert account.statuses([running, busy[1], waiting]) == ["running", "running", "waiting"]
    assert account.statuses(queued) == ["queued", "queued"]
    account.end(running)
    account.becomes("running", queued[0])
    account.end(queued[0])
    account.becomes("running", queued[1])


@pytest.mark.long
@pytest.mark.parametrize("action", ["terminate", "pause", "delete"])
def test_instances_are_stopped_while_they_get_permits(
    account: Account, busy: list[str], action: str
) -> None:
    stopped = [account.run("first") for _ in range(6)]
    last = account.run("first")
    account.becomes("queued", *stopped, last)

    account.change_together({busy[0]: "terminate", **dict.fromkeys(stopped, action)})
    for run in stopped:
        account.let_step_end(run)  # an instance that already runs pauses when its step has ended

    account.becomes("running", last)
    assert account.listed("first", "running") == [last]
    if action != "delete":
        status = {"terminate": "terminated", "pause": "paused"}[action]
        assert account.statuses(stopped) == [status] * 6


@pytest.mark.long
def test_instances_are_restarted_while_they_get_permits(account: Account, busy: list[str]) -> None:
    restarted = [account.run("first"), account.run("first")]
    account.becomes("queued", *restarted)

    account.change_together({busy[0]: "terminate", **dict.fromkeys(restarted, "restart")})

    account.end(restarted[0])
    account.end(restarted[1])


@pytest.mark.long
def test_an_instance_is_resumed_before_its_code_has_stopped(
    account: Account, busy: list[str]
) -> None:
    account.end(busy[0])
    awake = account.run("first", wait=True, lingers=True)
    account.becomes("waiting", awake)
    account.becomes("running", account.run("second"))
    send_event(account.platform, "first", awake)
    account.becomes("queued", awake)

    account.change(awake, "pause")
    account.change(awake, "resume")
    account.platform.fetch("first", "/lingering")

    account.end(busy[1])
    account.becomes("running", awake)


@pytest.fixture
def limited(account: Account) -> Iterator[None]:
    """The first Workflow runs one instance at a time."""
    assert account.limit("first", 1).status_code == 200
    yield
    account.limit("first", None)
    account.terminate_all()


@pytest.mark.usefixtures("limited")
def test_a_workflow_keeps_to_its_own_limit_without_holding_up_others(account: Account) -> None:
    running, queued, last = account.run("first"), account.run("first"), account.run("first")
    account.becomes("running", running)
    account.becomes("queued", queued, last)

    account.becomes("running", account.run("second"))
    assert account.statuses([queued, last]) == ["queued", "queued"]

    account.end(running)
    account.becomes("running", queued)
    assert account.statuses([last]) == ["queued"]


@pytest.mark.usefixtures("limited")
def test_a_queued_instance_runs_when_the_limit_of_its_workflow_is_raised(account: Account) -> None:
    queued = [account.run("first"), account.run("first")][1]
    account.becomes("queued", queued)

    account.limit("first", 2)

    account.becomes("running", queued)


@pytest.mark.parametrize("limit", [0, 3, 1.5, "1"])
def test_the_limit_of_a_workflow_is_at_most_that_of_the_account(
    account: Account, limit: object
) -> None:
    refused = account.limit("first", limit)

    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    shown = json.dumps(limit)
    assert error["message"] == f"concurrency.limit must be a whole number from 1 to 2, not {shown}"
