"""Cloudflare's documented limits of Workflows, each at its edge."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    start_run,
    wait_for_output,
    wait_for_status,
)
from tests.support.platform_fixture import Platform

NAME = "limits"
MIB = 2**20
QUOTES = 2
YEAR = 365 * 86_400_000

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
const once = { retries: { limit: 0, delay: 0 } };
const KINDS = {
  text: (size) => "x".repeat(size),
  wide: (size) => "é".repeat(size),
  bytes: (size) => new Uint8Array(size).buffer,
  stream: (size) => new Blob(["x".repeat(size)]).stream(),
};
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    const { kind, size, name = "step", retries = 0, steps = 0, sleep, until, nap, type } = payload;
    if (sleep) await step.sleep("nap", sleep);
    if (until) await step.sleepUntil("nap", Date.now() + until);
    if (nap) await step.sleep(nap, 1);
    if (type) return (await step.waitForEvent("ear", { type, timeout: "1 hour" })).payload;
    for (let i = 0; i < steps; i += 1) await step.do("many", async () => i);
    await step.do(name, { retries: { limit: retries, delay: 0 } }, async () => KINDS[kind ?? "text"](size ?? 0));
    return "done";
  }
}
export default {
  async fetch(request, env) {
    const { size, sizes, id, event } = await request.json();
    try {
      if (event) await (await env.WORKFLOW.get(id)).sendEvent({ type: event, payload: "x".repeat(size) });
      else if (sizes) await env.WORKFLOW.createBatch({ instances: sizes.map((size) => ({ params: "x".repeat(size) })) });
      else await env.WORKFLOW.create({ id, params: { filler: "x".repeat(size) } });
      return new Response("accepted");
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
};
"""


@pytest.fixture(scope="module")
def limits(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME, CODE)
    return platform


def failure(limits: Platform, **payload: Any) -> Any:
    """Return the error of a run."""
    run = start_run(limits, NAME, **payload)
    wait_for_status(limits, NAME, run, "errored")
    return describe_run(limits, NAME, run).error


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param({"size": MIB - QUOTES}, id="result"),
        pytest.param({"kind": "wide", "size": (MIB - QUOTES) // 2}, id="wide result"),
        pytest.param({"kind": "stream", "size": 2 * MIB}, id="stream"),
        pytest.param({"name": "n" * 256}, id="step name"),
        pytest.param({"nap": "n" * 256}, id="sleep name"),
        pytest.param({"retries": 10_000}, id="retries"),
        pytest.param({"steps": 10}, id="steps"),
    ],
)
def test_a_run_at_the_edge_of_a_limit_completes(limits: Platform, allowed: dict[str, Any]) -> None:
    assert wait_for_output(limits, NAME, start_run(limits, NAME, **allowed)) == "done"


TOO_LARGE = "Step step-1 output is too large. Maximum allowed size is 1MiB."


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        pytest.param({"size": MIB - QUOTES + 1}, TOO_LARGE, id="result"),
        pytest.param({"kind": "wide", "size": MIB // 2}, TOO_LARGE, id="wide result"),
        pytest.param({"kind": "bytes", "size": MIB + 1}, TOO_LARGE, id="bytes"),
        pytest.param({"name": "n" * 257}, "exceeds max length (256 chars)", id="step name"),
        pytest.param({"nap": "n" * 257}, "exceeds max length (256 chars)", id="sleep name"),
        pytest.param({"nap": "a\nb"}, "invalid characters found", id="control character"),
        pytest.param({"retries": 10_001}, "more than 10000 retries", id="retries"),
        pytest.param({"sleep": "366 days"}, '"nap" is longer than 365 days', id="sleep"),
        pytest.param({"sleep": YEAR + 1}, '"nap" is longer than 365 days', id="sleep in numbers"),
        pytest.param({"until": YEAR + 86_400_000}, "longer than 365 days", id="sleep until"),
        pytest.param({"type": "t" * 101}, "exceeds max length (100 chars)", id="event type"),
    ],
)
def test_a_run_beyond_a_limit_fails(
    limits: Platform, payload: dict[str, Any], message: str
) -> None:
    assert message in failure(limits, **payload).message


@pytest.mark.parametrize("payload", [{"sleep": "365 days"}, {"sleep": YEAR}, {"type": "t" * 100}])
def test_a_run_may_wait_as_long_as_documented(limits: Platform, payload: dict[str, Any]) -> None:
    run = start_run(limits, NAME, **payload)

    wait_for_status(limits, NAME, run, "waiting")


def test_a_result_that_is_too_large_is_retried(limits: Platform) -> None:
    run = start_run(limits, NAME, size=MIB, retries=1)
    wait_for_status(limits, NAME, run, "errored")

    attempts = describe_run(limits, NAME, run).steps[0].attempts

    errors = [(attempt.error.name, attempt.error.message) for attempt in attempts]
    assert errors == [("WorkflowInternalError", TOO_LARGE)] * 2


def payload_of(size: int) -> dict[str, str]:
    """Return a payload with this size as JSON."""
    return {"filler": "x" * (size - len(json.dumps({"filler": ""}, separators=(",", ":"))))}


def test_the_api_enforces_the_limit_of_a_payload(limits: Platform) -> None:
    path = f"workflows/{NAME}/instances"

    fits = limits.api("POST", path, json={"params": payload_of(MIB)})
    refused = limits.api("POST", path, json={"params": payload_of(MIB + 1)})

    assert (fits.status_code, refused.status_code) == (200, 400)
    assert "payload is too large. Maximum allowed size is 1MiB." in refused.text


def test_a_binding_enforces_the_limit_of_a_payload(limits: Platform) -> None:
    fits = limits.fetch(NAME, method="POST", json={"size": len(payload_of(MIB)["filler"])})
    refused = limits.fetch(NAME, method="POST", json={"size": MIB})

    message = "WorkflowError: Workflow instance payload is too large. Maximum allowed size is 1MiB."
    assert (fits.text, refused.text) == ("accepted", message)


def test_the_payloads_of_a_batch_share_a_limit(limits: Platform) -> None:
    half = MIB // 2 - QUOTES

    fits = limits.fetch(NAME, method="POST", json={"sizes": [half, half]})
    refused = limits.fetch(NAME, method="POST", json={"sizes": [half, half + 1]})

    message = "WorkflowError: Workflow batch payload is too large. Maximum allowed size is 1MiB."
    assert (fits.text, refused.text) == ("accepted", message)


def test_the_limits_of_an_event_are_enforced(limits: Platform) -> None:
    run = start_run(limits, NAME, type="call")
    wait_for_status(limits, NAME, run, "waiting")
    path = f"workflows/{NAME}/instances/{run}/events"
    body = {"id": run, "event": "call", "size": MIB}

    by_binding = limits.fetch(NAME, method="POST", json=body).text
    by_api = limits.api("POST", f"{path}/call", json="x" * MIB)
    unknown_type = limits.fetch(
        NAME, method="POST", json=body | {"event": "t" * 101, "size": 1}
    ).text
    fits = limits.api("POST", f"{path}/call", json="x" * (MIB - QUOTES))

    assert by_binding == "WorkflowError: Event payload is too large. Maximum allowed size is 1MiB."
    assert by_api.status_code == limits.api("POST", f"{path}/{'t' * 101}").status_code == 400
    assert "exceeds max length (100 chars)" in unknown_type
    assert fits.status_code == 200
    assert len(wait_for_output(limits, NAME, run)) == MIB - QUOTES


@pytest.mark.parametrize(
    ("instance", "status"),
    [("i" * 100, 200), ("i" * 101, 400), ("-id", 400), ("cf_" + "0" * 64, 400)],
    ids=["100", "101", "dash", "reserved"],
)
def test_the_limits_of_an_instance_id_are_enforced(
    limits: Platform, instance: str, status: int
) -> None:
    body = {"instance_id": instance, "params": {"type": "never"}}

    assert limits.api("POST", f"workflows/{NAME}/instances", json=body).status_code == status


@pytest.mark.parametrize(("name", "status"), [("w" * 64, 200), ("w" * 65, 400)], ids=["64", "65"])
def test_the_limit_of_a_workflow_name_is_enforced(limits: Platform, name: str, status: int) -> None:
    body = {"script_name": NAME, "class_name": "Flow"}

    assert limits.api("PUT", f"workflows/{name}", json=body).status_code == status


def test_the_limit_of_a_batch_is_enforced(limits: Platform) -> None:
    batch = [{"instance_id": "batch", "params": {}}] * 101

    assert limits.api("POST", f"workflows/{NAME}/instances/batch", json=batch).status_code == 400
