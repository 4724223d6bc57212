"""Code that uses more CPU time than its Worker may is ended, and everything else continues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_cloudflare.support.node_modules import in_node
from tests.local_cloudflare.support.test_runs import (
    TestRunPlatform,
    account_for_test_runs,
    deploy_draft,
    start_test_run,
)
from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    locked_run,
    run_status,
    send_event,
    start_run,
    wait_for_log,
    wait_for_output,
    wait_for_status,
)
from tests.support.platform_fixture import Platform

LIMIT = 10  # milliseconds; less than a second is held as a second
ENDLESS = "for (;;) {}"
BUSY = """
const end = () => new Promise((resolve) => setTimeout(resolve, 0));
for (;;) { for (let i = 0; i < 1e7; i++) {} await end(); }
"""
RETRIED = """
if (payload.waits) return (await step.waitForEvent("ear", { type: "call", timeout: "1 hour" })).payload;
const retries = { limit: 1, delay: 1 };
return step.do("loop", { retries }, async () => { for (;;) {} }).catch((error) => error.message);
"""
LOGGED = """
const retries = { limit: 0, delay: 1 };
const loop = async () => { console.log("looping"); for (;;) {} };
return step.do("loop", { retries }, loop).catch((error) => error.message);
"""
WITHOUT_PAUSE = "Worker exceeded CPU time limit. The code ran for 1 second without a pause."
NO_FURTHER = (
    "Worker exceeded CPU time limit. "
    "The code used 1 second of CPU time, and the run got no further."
)
FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    {body}
  }
}
export default {
  fetch(request) {
    if (request.url.endsWith("/endless")) for (;;) {}
    return new Response("hello");
  },
};
"""


@pytest.fixture
def account(platform: Platform) -> TestRunPlatform:
    return account_for_test_runs(platform)


def with_limit(platform: Platform, worker: str) -> None:
    settings = {"settings": (None, json.dumps({"limits": {"cpu_ms": LIMIT}}))}
    response = platform.api("PATCH", f"workers/scripts/{worker}/settings", files=settings)
    assert response.status_code == 200, response.text


def error_of(platform: Platform, workflow: str, run: str) -> dict[str, str]:
    path = f"workflows/{workflow}/instances/{run}"
    error: dict[str, str] = platform.api("GET", path).json()["result"]["error"]
    return error


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("in-step", f"await step.do('looped', async () => {{ {ENDLESS} }});", WITHOUT_PAUSE),
        ("between", f"await step.do('first', async () => 1); {ENDLESS}", WITHOUT_PAUSE),
        ("with-pauses", f"await step.do('looped', async () => {{ {BUSY} }});", NO_FURTHER),
    ],
)
def test_an_endless_loop_ends_a_test_run(
    account: TestRunPlatform, name: str, body: str, message: str
) -> None:
    deploy_draft(account, name, FLOW.replace("{body}", body))
    with_limit(account, name)
    start_test_run(account, name, speed=1)

    wait_for_status(account, name, "run", "errored")

    error = {"name": "Error", "message": message}
    assert error_of(account, name, "run") == error
    if "looped" in body:
        (step,) = describe_run(account, name, "run").steps
        assert [attempt.error.to_dict() for attempt in step.attempts] == [error]
    logs = account.own_api("GET", f"{name}/logs").json()["result"]
    assert message in [line["message"] for line in logs]
    assert account.own_api("DELETE", name).status_code == 200


def test_a_request_that_never_ends_gets_cloudflares_response(platform: Platform) -> None:
    deploy_workflow(platform, "endless", FLOW.replace("{body}", ""))
    with_limit(platform, "endless")

    response = platform.fetch("endless", "/endless")

    assert (response.status_code, response.text) == (503, "error code: 1102\n")
    assert platform.fetch("endless").text == "hello"


@pytest.mark.long
def test_a_step_that_never_ends_fails_after_its_retries(platform: Platform) -> None:
    deploy_workflow(platform, "loops-in-step", FLOW.replace("{body}", RETRIED))
    with_limit(platform, "loops-in-step")
    waiting = start_run(platform, "loops-in-step", waits=True)
    wait_for_status(platform, "loops-in-step", waiting, "waiting")

    run = start_run(platform, "loops-in-step")

    assert wait_for_output(platform, "loops-in-step", run) == WITHOUT_PAUSE
    (step,) = describe_run(platform, "loops-in-step", run).steps
    error = {"name": "Error", "message": WITHOUT_PAUSE}
    assert [attempt.error.to_dict() for attempt in step.attempts] == [error, error]
    assert run_status(platform, "loops-in-step", waiting) == "waiting"
    send_event(platform, "loops-in-step", waiting)
    assert wait_for_output(platform, "loops-in-step", waiting) == 1


@pytest.mark.long
def test_a_killed_run_whose_file_is_locked_learns_why_afterwards(platform: Platform) -> None:
    """A reader of the file locks it while it repairs the index that the killed process left."""
    deploy_workflow(platform, "locked", FLOW.replace("{body}", LOGGED))
    with_limit(platform, "locked")
    run = start_run(platform, "locked")
    wait_for_log(platform, "worker-locked", "looping")

    with locked_run(platform, "locked"):
        wait_for_log(platform, "worker-locked", "could not be continued")

    assert wait_for_output(platform, "locked", run) == WITHOUT_PAUSE


@pytest.mark.long
def test_code_between_steps_that_never_ends_ends_the_run(platform: Platform) -> None:
    deploy_workflow(platform, "between-steps", FLOW.replace("{body}", ENDLESS))
    with_limit(platform, "between-steps")

    run = start_run(platform, "between-steps")

    wait_for_status(platform, "between-steps", run, "errored")
    assert error_of(platform, "between-steps", run)["message"] == WITHOUT_PAUSE


@pytest.mark.long
def test_a_process_is_only_blocked_until_it_responds(tmp_path: Path) -> None:
    program = """
    const watch = new module.CpuWatch();
    let answer;
    const ask = () => new Promise((resolve) => { answer = resolve; });
    const sample = (milliseconds, pid = 1) => watch.sample({ pid, milliseconds }, ask, "same");
    const found = [sample(0), sample(500), sample(900)];
    answer();
    await new Promise(setImmediate);
    found.push(sample(2000), sample(2050), sample(2090), sample(500, 2));
    console.log(JSON.stringify(found.map(({ blocked, stalled }) => [blocked, stalled])));"""

    assert in_node(tmp_path, "groups/cpu_watch.ts", program) == [
        [0, 0], [0, 0], [400, 400], [0, 1500], [50, 1550], [90, 1590], [0, 0],
    ]  # fmt: skip


@pytest.mark.long
def test_a_process_that_gets_little_time_is_asked_too(tmp_path: Path) -> None:
    program = """
    const watch = new module.CpuWatch();
    const ask = () => new Promise(() => {});
    const usages = [...Array(10).keys()].map((second) => ({ pid: 1, milliseconds: second * 30 }));
    const found = usages.map((usage) => watch.sample(usage, ask));
    console.log(JSON.stringify(found.map(({ blocked }) => blocked)));"""

    blocked = in_node(tmp_path, "groups/cpu_watch.ts", program)

    assert blocked == [0, 0, 0, 0, 0, 30, 60, 90, 120, 150]


@pytest.mark.long
def test_a_group_rests_longer_after_each_kill(tmp_path: Path) -> None:
    program = """
    const kills = new module.Kills();
    const rest = (now) => { kills.add(now); return kills.restMilliseconds / 1000; };
    console.log(JSON.stringify([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 700_000].map(rest)));"""

    rests = in_node(tmp_path, "groups/cpu_watch.ts", program)

    assert rests == [0, 0, 10, 20, 40, 80, 160, 320, 600, 600, 0]
