"""Workers for the platform's tests, and their upload without wrangler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from tests.support.platform_fixture import Platform

T = TypeVar("T")
Binding = dict[str, object]

HELLO = 'export default { fetch() { return new Response("hello") } }'

WORKFLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const { sleep, wait, fails } = event.payload;
    const first = await step.do("first", async () => ({ at: Date.now() }));
    if (sleep) await step.sleep("nap", sleep);
    const heard = wait && await step.waitForEvent("ear", { type: "call", timeout: "1 minute" });
    const retries = { limit: 2, delay: fails ?? 10, backoff: "constant" };
    const second = await step.do("second", { retries }, async (ctx) => {
      if (fails && ctx.attempt === 1) throw new Error("not yet");
      return { attempt: ctx.attempt };
    });
    return { first, heard: heard?.payload ?? null, second };
  }
}
export default {
  async fetch(request, env) {
    const instance = await env.WORKFLOW.create({ params: await request.json() });
    return Response.json({ id: instance.id });
  },
};
"""


def upload(
    platform: Platform, name: str, code: str, *bindings: Binding, module: str = "worker.js"
) -> httpx.Response:
    """Upload the Worker as Cloudflare documents it: a form with metadata and one part per module."""
    metadata = {
        "main_module": module,
        "compatibility_date": "2026-11-01",
        "bindings": list(bindings),
    }
    files = {
        "metadata": (None, json.dumps(metadata)),
        module: (module, code, "application/javascript+module"),
    }
    return platform.api("PUT", f"workers/scripts/{name}", files=files)


def deploy_worker(platform: Platform, name: str, code: str, *bindings: Binding) -> None:
    """Upload the Worker, and let it answer at its own host, which an upload alone does not."""
    answer = upload(platform, name, code, *bindings)
    assert answer.status_code == 200, answer.text
    enable_workers_dev(platform, name)


def enable_workers_dev(platform: Platform, name: str) -> None:
    platform.api("POST", f"workers/scripts/{name}/subdomain", json={"enabled": True})


def workflow_binding(name: str) -> Binding:
    return {
        "type": "workflow",
        "name": "WORKFLOW",
        "workflow_name": name,
        "class_name": "Flow",
    }


def deploy_workflow(platform: Platform, name: str) -> None:
    """Upload the Worker with its Workflow of the same name, as a deploy does."""
    deploy_worker(platform, name, WORKFLOW, workflow_binding(name))
    platform.client().workflows.update(
        name, account_id=platform.account_id, class_name="Flow", script_name=name
    )


def start_run(platform: Platform, workflow: str, **params: object) -> str:
    created = platform.client().workflows.instances.create(
        workflow, account_id=platform.account_id, params=json.dumps(params)
    )
    return created.id


def send_event(platform: Platform, workflow: str, instance: str) -> None:
    """Send the event that a run begun with `wait` waits for."""
    path = f"workflows/{workflow}/instances/{instance}/events/call"
    assert platform.api("POST", path, json=1).status_code == 200


def describe_run(platform: Platform, workflow: str, instance: str) -> Any:
    return platform.client().workflows.instances.get(
        instance, account_id=platform.account_id, workflow_name=workflow
    )


def run_status(platform: Platform, workflow: str, instance: str) -> str:
    return str(describe_run(platform, workflow, instance).status)


def wait_for(ask: Callable[[], T], *wanted: T, seconds: float = 15) -> T:
    """Ask until one of the wanted answers comes."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) not in wanted:
        assert time.monotonic() < deadline, f"still {answer}"
        time.sleep(0.02)
    return answer


def wait_for_output(platform: Platform, workflow: str, instance: str) -> Any:
    """Return the instance when it is complete, with its output read."""
    wait_for(lambda: run_status(platform, workflow, instance), "complete")
    return json.loads(describe_run(platform, workflow, instance).output)


def live_version(platform: Platform, worker: str) -> str:
    """Return the version that answers; the SDK takes Cloudflare's list for one with pages."""
    answer = platform.api("GET", f"workers/scripts/{worker}/deployments").json()
    return str(answer["result"]["deployments"][0]["versions"][0]["version_id"])


def deploy_version(
    platform: Platform, worker: str, version: str, query: str = ""
) -> httpx.Response:
    """Deploy a version that was uploaded before."""
    body = {"strategy": "percentage", "versions": [{"percentage": 100, "version_id": version}]}
    return platform.api("POST", f"workers/scripts/{worker}/deployments{query}", json=body)


def group_pid(platform: Platform, group: str) -> str:
    """Return the process that runs a group: another one after every start."""
    note = platform.state / "groups" / group / "workerd.pid"
    return note.read_text().splitlines()[0]
