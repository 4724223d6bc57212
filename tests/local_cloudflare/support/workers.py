"""Workers, their versions and their Workflows' runs for tests of the platform, without wrangler."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from tests.support.patience import PATIENCE
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
    const call = wait && await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
    const retries = { limit: 2, delay: fails ?? 10, backoff: "constant" };
    const second = await step.do("second", { retries }, async (ctx) => {
      if (fails && ctx.attempt === 1) throw new Error("not yet");
      return { attempt: ctx.attempt };
    });
    return { first, received: call?.payload ?? null, second };
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
    platform: Platform,
    name: str,
    code: str,
    *bindings: Binding,
    module: str = "worker.js",
    migrations: object = None,
) -> httpx.Response:
    """Upload the Worker as Cloudflare documents it: a form with metadata and one part per module."""
    metadata: dict[str, object] = {
        "main_module": module,
        "compatibility_date": "2026-11-01",
        "bindings": list(bindings),
        **({"migrations": migrations} if migrations else {}),
    }
    files = {
        "metadata": (None, json.dumps(metadata)),
        module: (module, code, "application/javascript+module"),
    }
    return platform.api("PUT", f"workers/scripts/{name}", files=files)


def deploy_worker(platform: Platform, name: str, code: str, *bindings: Binding) -> None:
    """Upload the Worker and enable its own host, which an upload alone does not."""
    response = upload(platform, name, code, *bindings)
    assert response.status_code == 200, response.text
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


def deploy_workflow(platform: Platform, name: str, code: str = WORKFLOW) -> None:
    """Deploy a Worker and its Workflow of the same name."""
    deploy_worker(platform, name, code, workflow_binding(name))
    platform.client().workflows.update(
        name, account_id=platform.account_id, class_name="Flow", script_name=name
    )


def create_namespace(platform: Platform, title: str) -> str:
    """Create a KV namespace; return its id."""
    namespace = platform.client().kv.namespaces.create(account_id=platform.account_id, title=title)
    assert namespace is not None
    return namespace.id


def namespace_binding(namespace_id: str) -> Binding:
    return {"type": "kv_namespace", "name": "KV", "namespace_id": namespace_id}


def start_run(platform: Platform, workflow: str, **params: object) -> str:
    created = platform.client().workflows.instances.create(
        workflow, account_id=platform.account_id, params=json.dumps(params)
    )
    return created.id


def send_event(platform: Platform, workflow: str, instance: str) -> None:
    """Send the event that a run with the parameter `wait` waits for."""
    path = f"workflows/{workflow}/instances/{instance}/events/call"
    assert platform.api("POST", path, json=1).status_code == 200


def describe_run(platform: Platform, workflow: str, instance: str) -> Any:
    return platform.client().workflows.instances.get(
        instance, account_id=platform.account_id, workflow_name=workflow
    )


def run_status(platform: Platform, workflow: str, instance: str) -> str:
    return str(describe_run(platform, workflow, instance).status)


def wait_for(read: Callable[[], T], *expected: T, seconds: float = PATIENCE) -> T:
    """Read until an expected value comes. The time limit only ends a test that hangs."""
    deadline = time.monotonic() + seconds
    while (value := read()) not in expected:
        assert time.monotonic() < deadline, f"still {value}"
        time.sleep(0.02)
    return value


def wait_until(is_met: Callable[[], bool]) -> None:
    wait_for(lambda: "met" if is_met() else "not met", "met")


def wait_for_status(platform: Platform, workflow: str, instance: str, *expected: str) -> None:
    wait_for(lambda: run_status(platform, workflow, instance), *expected)


def wait_for_steps(platform: Platform, workflow: str, instance: str, count: int) -> None:
    """Wait until this many steps have started, which, unlike a status, cannot be missed."""
    wait_until(lambda: len(describe_run(platform, workflow, instance).steps) >= count)


def wait_for_output(platform: Platform, workflow: str, instance: str) -> Any:
    """Wait until the run is complete, and return its output."""
    wait_for_status(platform, workflow, instance, "complete")
    return json.loads(describe_run(platform, workflow, instance).output)


def live_version(platform: Platform, worker: str) -> str:
    """Return the live version's id; the SDK wrongly expects the list of deployments to have pages."""
    response = platform.api("GET", f"workers/scripts/{worker}/deployments").json()
    return str(response["result"]["deployments"][0]["versions"][0]["version_id"])


def deploy_version(
    platform: Platform, worker: str, version: str, query: str = ""
) -> httpx.Response:
    """Deploy a version that has already been uploaded."""
    body = {"strategy": "percentage", "versions": [{"percentage": 100, "version_id": version}]}
    return platform.api("POST", f"workers/scripts/{worker}/deployments{query}", json=body)


def pid_file(platform: Platform, group: str) -> Path:
    """Return the file that exists while the group's process runs."""
    return platform.state / "groups" / group / "workerd.pid"


def group_pid(platform: Platform, group: str) -> int:
    """Return the id of the process that runs a group; it differs after each start."""
    return int(pid_file(platform, group).read_text().splitlines()[0])


def wait_for_log(platform: Platform, group: str, text: str) -> None:
    """Wait until the group's process has logged the text."""
    log = platform.state / "logs" / f"{group}.jsonl"
    wait_until(lambda: log.exists() and text in log.read_text())


@contextmanager
def locked_run(
    platform: Platform, workflow: str, *, mode: Literal["IMMEDIATE", "EXCLUSIVE"] = "IMMEDIATE"
) -> Iterator[None]:
    """Keep the group's process from writing to the only run of a Workflow, or all from reading it, too."""
    folder = platform.state / f"groups/worker-{workflow}/workflows/miniflare-workflows-{workflow}"
    (file,) = (file for file in folder.glob("*.sqlite") if file.name != "metadata.sqlite")
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as database:
        if mode == "EXCLUSIVE":
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute(f"BEGIN {mode}")
        yield
