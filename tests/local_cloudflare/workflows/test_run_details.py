"""What the platform tells of one run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_worker,
    deploy_workflow,
    start_run,
    wait_for,
    wait_for_output,
    workflow_binding,
)
from tests.support.platform_fixture import Platform

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("long", async () => "x".repeat(3000));
    await step.do("hidden", { sensitive: "output" }, async () => "hush");
    await step.do("stream", async () => new Response("flow".repeat(50)).body);
    const heard = await step.waitForEvent("long", { type: "call", timeout: "1 minute" });
    const retries = { limit: 1, delay: "1 minute", backoff: "constant" };
    await step.do("fails", { retries }, async () => { throw new RangeError("out of it"); });
  }
}
export default { fetch: () => new Response("") };
"""


@pytest.fixture(scope="module")
def told(platform: Platform) -> Told:
    deploy_worker(platform, "told", CODE, workflow_binding("told"))
    platform.api("PUT", "workflows/told", json={"script_name": "told", "class_name": "Flow"})
    run = Told(platform, start_run(platform, "told"))
    run.until_step(4)
    run.platform.api("POST", f"{run.path}/events/call", json={"said": "y" * 3000})
    run.until_step(5)
    wait_for(lambda: run.describe()["status"], "waiting")
    return run


class Told:
    """A run that has done all it can for now."""

    def __init__(self, platform: Platform, instance: str) -> None:
        self.platform = platform
        self.path = f"workflows/told/instances/{instance}"

    def describe(self, query: str = "") -> Any:
        return self.platform.api("GET", self.path + query).json()["result"]

    def until_step(self, count: int) -> None:
        wait_for(lambda: self.describe()["step_count"], count)

    def step(self, **asked: object) -> Any:
        return self.platform.api("GET", f"{self.path}/step", params=asked)


def test_long_outputs_are_cut_in_the_description(told: Told) -> None:
    long, *_, heard, _ = told.describe()["steps"]

    assert long["output"] == '"' + "x" * 1023 + "[truncated output]"
    assert heard["output"].endswith("[truncated output]")


def test_a_step_gives_what_the_description_cuts(told: Told) -> None:
    long = told.step(name="long-1", type="step").json()["result"]
    heard = told.step(name="long-1", type="waitForEvent").json()["result"]

    assert (long["status"], long["output"]) == ("complete", "x" * 3000)
    assert (heard["output"], heard["event_type"]) == ({"said": "y" * 3000}, "call")


def test_what_is_sensitive_is_told_nowhere(told: Told) -> None:
    assert told.describe()["steps"][1]["output"] == '"[REDACTED]"'
    assert told.step(name="hidden-1", type="step").json()["result"]["output"] == "[REDACTED]"


def test_a_stream_comes_as_its_bytes(told: Told) -> None:
    answer = told.step(name="stream-1", type="step")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == b"flow" * 50
    assert told.describe()["steps"][2]["output"] == '"[ReadableStream: 200 bytes]"'


def test_a_step_that_will_be_tried_again_tells_its_error(told: Told) -> None:
    now = told.step(name="fails-1", type="step").json()["result"]
    first = told.step(name="fails-1", type="step", attempt=1).json()["result"]

    error = {"name": "RangeError", "message": "out of it"}
    assert (now["status"], now["error"]) == ("running", error)
    assert (first["status"], first["error"]) == ("errored", error)
    assert told.step(name="fails-1", type="step", attempt=2).status_code == 404


def test_a_step_that_is_not_there_is_not_found(told: Told) -> None:
    answer = told.step(name="nowhere-1", type="step")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 10400)


def test_steps_are_left_out_or_turned_round_when_asked(told: Told) -> None:
    simple, newest = told.describe("?simple=true"), told.describe("?order=desc")

    assert (simple["steps"], simple["step_count"]) == ([], 5)
    assert [step["name"] for step in newest["steps"]] == [
        step["name"] for step in told.describe()["steps"]
    ][::-1]


def test_an_id_may_come_url_encoded(platform: Platform) -> None:
    deploy_workflow(platform, "encoded")
    body = {"instance_id": "an-id_1", "params": json.dumps({})}
    platform.api("POST", "workflows/encoded/instances", json=body)

    answer = platform.api("GET", "workflows/encoded/instances/an%2Did%5F1")

    assert answer.json()["result"]["params"] == {}
    wait_for_output(platform, "encoded", "an-id_1")
