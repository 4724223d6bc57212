"""How the platform describes a run and its steps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    start_run,
    wait_for,
    wait_for_output,
)
from tests.support.platform_fixture import Platform, error_codes

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("long", async () => "x".repeat(3000));
    await step.do("hidden", { sensitive: "output" }, async () => "hush");
    await step.do("stream", async () => new Response("flow".repeat(50)).body);
    await step.waitForEvent("long", { type: "call", timeout: "1 hour" });
    const retries = { limit: 1, delay: "1 hour", backoff: "constant" };
    await step.do("fails", { retries }, async () => { throw new RangeError("out of it"); });
  }
}
export default { fetch: () => new Response("") };
"""


@pytest.fixture(scope="module")
def run(platform: Platform) -> Run:
    deploy_workflow(platform, "described", CODE)
    run = Run(platform, start_run(platform, "described"))
    run.wait_for_step(4)
    run.platform.api("POST", f"{run.path}/events/call", json={"said": "y" * 3000})
    run.wait_for_step(5)
    wait_for(lambda: run.describe()["status"], "waiting")
    return run


class Run:
    """A run of CODE and the API's responses about it."""

    def __init__(self, platform: Platform, instance: str) -> None:
        self.platform = platform
        self.path = f"workflows/described/instances/{instance}"

    def describe(self, query: str = "") -> Any:
        return self.platform.api("GET", self.path + query).json()["result"]

    def wait_for_step(self, count: int) -> None:
        wait_for(lambda: self.describe()["step_count"], count)

    def step(self, **query: object) -> Any:
        return self.platform.api("GET", f"{self.path}/step", params=query)


def test_long_outputs_are_truncated_in_the_description(run: Run) -> None:
    long, *_, event, _ = run.describe()["steps"]

    assert long["output"] == '"' + "x" * 1023 + "[truncated output]"
    assert event["output"].endswith("[truncated output]")


def test_a_step_has_its_output_untruncated(run: Run) -> None:
    long = run.step(name="long-1", type="step").json()["result"]
    event = run.step(name="long-1", type="waitForEvent").json()["result"]

    assert (long["status"], long["output"]) == ("complete", "x" * 3000)
    assert (event["output"], event["event_type"]) == ({"said": "y" * 3000}, "call")


def test_a_sensitive_output_is_redacted_everywhere(run: Run) -> None:
    assert run.describe()["steps"][1]["output"] == '"[REDACTED]"'
    assert run.step(name="hidden-1", type="step").json()["result"]["output"] == "[REDACTED]"


def test_a_streamed_output_is_returned_as_bytes(run: Run) -> None:
    response = run.step(name="stream-1", type="step")

    assert response.headers["content-type"] == "application/octet-stream"
    assert response.content == b"flow" * 50
    assert run.describe()["steps"][2]["output"] == '"[ReadableStream: 200 bytes]"'


def test_a_step_that_will_be_retried_has_its_error(run: Run) -> None:
    step = run.step(name="fails-1", type="step").json()["result"]
    first = run.step(name="fails-1", type="step", attempt=1).json()["result"]

    error = {"name": "RangeError", "message": "out of it"}
    assert (step["status"], step["error"]) == ("running", error)
    assert (first["status"], first["error"]) == ("errored", error)
    assert run.step(name="fails-1", type="step", attempt=2).status_code == 404


def test_a_missing_step_is_not_found(run: Run) -> None:
    response = run.step(name="missing-1", type="step")

    assert (response.status_code, error_codes(response)) == (404, [10400])


def test_steps_are_omitted_or_reversed_on_request(run: Run) -> None:
    simple, newest = run.describe("?simple=true"), run.describe("?order=desc")

    assert (simple["steps"], simple["step_count"]) == ([], 5)
    assert [step["name"] for step in newest["steps"]] == [
        step["name"] for step in run.describe()["steps"]
    ][::-1]


def test_an_id_may_be_url_encoded(platform: Platform) -> None:
    deploy_workflow(platform, "encoded")
    body = {"instance_id": "an-id_1", "params": json.dumps({})}
    platform.api("POST", "workflows/encoded/instances", json=body)

    response = platform.api("GET", "workflows/encoded/instances/an%2Did%5F1")

    assert response.json()["result"]["params"] == {}
    wait_for_output(platform, "encoded", "an-id_1")


def test_a_step_without_configuration_has_the_defaults_of_the_engine(run: Run) -> None:
    """Cloudflare's documentation says 10 seconds."""
    first, *_ = run.describe()["steps"]

    retries = {"limit": 5, "delay": 1000, "backoff": "exponential"}
    assert first["config"] == {"retries": retries, "timeout": "10 minutes"}
