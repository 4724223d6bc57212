"""Every setting has an effect, or is rejected by name."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.local_cloudflare.support.queues import (
    PRODUCER,
    add_consumer,
    backlog_count,
    create_queue,
    deploy_consumer,
    producer_binding,
    push_message,
    received_messages,
)
from tests.local_cloudflare.support.workers import (
    HELLO,
    Binding,
    deploy_worker,
    deploy_workflow,
    describe_run,
    start_run,
    upload,
    wait_for,
    wait_for_output,
    wait_for_status,
)
from tests.support.platform_fixture import Platform, error_codes

UNSUPPORTED = 99501
NAME = "with-settings"

MANY_STEPS = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    for (let i = 0; i < payload.steps; i += 1) await step.do("many", async () => i);
    await step.sleep("uncounted", 1);
    return "done";
  }
}
export default { fetch: () => new Response("") };
"""


@pytest.fixture(scope="module")
def workflow(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME, MANY_STEPS)
    return platform


def assign(platform: Platform, **settings: Any) -> httpx.Response:
    body = {"script_name": NAME, "class_name": "Flow", **settings}
    return platform.api("PUT", f"workflows/{NAME}", json=body)


def refusal(response: httpx.Response) -> str:
    """Return the message of a response that refuses a setting."""
    assert (response.status_code, error_codes(response)) == (501, [UNSUPPORTED]), response.text
    return str(response.json()["errors"][0]["message"])


def test_the_steps_of_a_run_are_limited(workflow: Platform) -> None:
    assert assign(workflow, limits={"steps": 3}).status_code == 200

    assert wait_for_output(workflow, NAME, start_run(workflow, NAME, steps=3)) == "done"
    beyond = start_run(workflow, NAME, steps=4)
    wait_for_status(workflow, NAME, beyond, "errored")
    message = "The limit of 3 steps has been reached."
    assert message in describe_run(workflow, NAME, beyond).error.message

    assign(workflow)
    assert wait_for_output(workflow, NAME, start_run(workflow, NAME, steps=4)) == "done"


@pytest.mark.parametrize(("steps", "status"), [(1, 200), (25_000, 200), (0, 400), (25_001, 400)])
def test_the_limit_of_steps_has_limits(workflow: Platform, steps: int, status: int) -> None:
    assert assign(workflow, limits={"steps": steps}).status_code == status
    assign(workflow)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("concurrency", {"per_key": 1}),
        ("default_retention", {"terminated_retention": "1 day"}),
        ("location_hint", "weur"),
        ("limits", {"cpu_ms": 1}),
    ],
)
def test_a_setting_of_a_workflow_is_refused(workflow: Platform, setting: str, value: Any) -> None:
    message = refusal(assign(workflow, **{setting: value}))

    assert (next(iter(value)) if isinstance(value, dict) else setting) in message
    assert f'Workflow "{NAME}"' in message


def test_the_retention_of_the_account_is_refused(platform: Platform) -> None:
    assert "no default retention" in refusal(platform.api("GET", "workflows/settings"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tail_consumers", [{"service": "listener"}]),
        ("cache_options", {"enabled": True}),
        ("anything_new", 1),
    ],
)
def test_a_setting_of_a_worker_is_refused(platform: Platform, setting: str, value: Any) -> None:
    metadata = {"main_module": "worker.js", setting: value}
    files: Any = {
        "metadata": (None, json.dumps(metadata)),
        "worker.js": ("worker.js", HELLO, "application/javascript+module"),
    }
    deploy_worker(platform, "plain", HELLO)

    uploaded = platform.api("PUT", "workers/scripts/unusual", files=files)
    patched = platform.api("PATCH", "workers/scripts/plain/settings", json={setting: value})
    unversioned = platform.api(
        "PATCH", "workers/scripts/plain/script-settings", json={setting: value}
    )

    for response in (uploaded, patched, unversioned):
        assert f'"{setting}"' in refusal(response)
    assert platform.api("GET", "workers/services/unusual").status_code == 404


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("migrations", {"new_tag": "v1", "steps": [{"new_classes": ["A"]}]}),
        ("assets", {"jwt": "token"}),
    ],
)
def test_parts_of_an_upload_cannot_be_changed_alone(
    platform: Platform, setting: str, value: object
) -> None:
    deploy_worker(platform, "uploaded", HELLO)

    response = platform.api("PATCH", "workers/scripts/uploaded/settings", json={setting: value})

    assert (response.status_code, error_codes(response)) == (501, [99501]), response.text


def test_a_setting_that_is_off_is_accepted(platform: Platform) -> None:
    off: dict[str, object] = {
        "tail_consumers": [],
        "assets": None,
        "cache_options": {"enabled": False},
    }
    deploy_worker(platform, "plain", HELLO)

    response = platform.api("PATCH", "workers/scripts/plain/script-settings", json=off)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "binding",
    [
        {"type": "r2_bucket", "bucket_name": "b", "jurisdiction": "eu"},
        {"type": "service", "service": "odd", "props": {"key": "value"}},
        {"type": "service", "service": "odd", "environment": "staging"},
    ],
    ids=["jurisdiction", "props", "environment"],
)
def test_a_setting_of_a_binding_is_refused(
    platform: Platform, binding: Binding, request: pytest.FixtureRequest
) -> None:
    message = refusal(upload(platform, "odd", HELLO, {"name": "ODD", **binding}))

    assert f'"{request.node.callspec.id}" of binding ODD' in message


def test_a_setting_of_a_queue_is_refused(platform: Platform) -> None:
    queue = create_queue(platform, "with-settings")

    response = platform.api("PATCH", f"queues/{queue}", json={"settings": {"anything_new": 1}})

    assert '"anything_new"' in refusal(response)


def test_the_delay_of_a_producer_delays_its_messages(platform: Platform) -> None:
    queue = create_queue(platform, "delayed")
    deploy_consumer(platform, "delayed-consumer")
    add_consumer(platform, queue, "delayed-consumer")
    binding = producer_binding("delayed") | {"delivery_delay": 3600}
    deploy_worker(platform, "delayed-producer", PRODUCER, binding)

    sent = platform.fetch("delayed-producer", method="POST", json={"send": ["later"]})
    push_message(platform, queue, "soon")

    assert sent.text == "sent"
    assert [message["body"] for message in received_messages(platform, "delayed-consumer")] == [
        "soon"
    ]
    wait_for(lambda: backlog_count(platform, queue), 1)
