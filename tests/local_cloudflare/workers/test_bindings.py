"""Bindings of Workers that wrangler deploys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.queues import (
    backlog_count,
    create_queue,
    push_message,
    received_messages,
)
from tests.local_cloudflare.support.workers import (
    HELLO,
    Binding,
    create_namespace,
    deploy_workflow,
    upload,
    wait_for,
    wait_for_output,
)
from tests.support.platform_fixture import Platform

QUEUES = """
export default {
  async fetch(request, env) {
    if (request.method === "POST") await env.OUT.send(await request.json());
    const { keys } = await env.KV.list();
    return Response.json(await Promise.all(keys.map(({ name }) => env.KV.get(name, "json"))));
  },
  async queue(batch, env) {
    for (const { id, body, attempts } of batch.messages)
      await env.KV.put(id, JSON.stringify({ queue: batch.queue, body, attempts }));
  },
};
"""

CALLER = """
export default {
  async fetch(request, env) {
    const instance = await env.CHILD.create({ params: await request.json() });
    let status = await instance.status();
    while (!["complete", "errored"].includes(status.status)) {
      await scheduler.wait(10);
      status = await (await env.CHILD.get(instance.id)).status();
    }
    return Response.json({ id: instance.id, status });
  },
};
"""

FRONT = """
export default {
  async fetch(request, env) {
    const response = await env.BACK.fetch("https://back/path", { method: "POST", body: "in" });
    return Response.json({ status: response.status, text: await response.text() });
  },
};
"""

BACK = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    return new Response(`${request.method} ${pathname} ${await request.text()}`, { status: 201 });
  },
};
"""

POINTS = """
export default {
  fetch(request, env) {
    const point = { blobs: ["a"], doubles: [1], indexes: ["i"] };
    return new Response(String(env.POINTS.writeDataPoint(point)));
  },
};
"""


def another_project(project: Project, folder: Path, name: str) -> Project:
    """Return a second project in a new folder."""
    folder.mkdir()
    return replace(project, folder=folder, name=name)


def new_namespace(project: Project) -> dict[str, str]:
    return {"binding": "KV", "id": create_namespace(project.platform, project.name)}


def test_a_deploy_adds_the_worker_as_consumer_of_its_queue(project: Project) -> None:
    queue, name = create_queue(project.platform, "orders"), project.name
    settings = {"queue": "orders", "max_batch_size": 3, "max_batch_timeout": 1}
    settings |= {"max_retries": 7, "retry_delay": 9, "max_concurrency": 2}
    settings |= {"dead_letter_queue": "orders-dead"}
    queues = {"producers": [{"binding": "OUT", "queue": "orders"}], "consumers": [settings]}
    project.write(QUEUES, queues=queues, kv_namespaces=[new_namespace(project)])

    project.deploy()
    project.platform.fetch(name, method="POST", json={"by": "code"})
    push_message(project.platform, queue, {"by": "api"})

    bodies = [message["body"] for message in received_messages(project.platform, name, 2)]
    assert sorted(bodies, key=str) == [{"by": "api"}, {"by": "code"}]
    [consumer] = project.platform.api("GET", f"queues/{queue}/consumers").json()["result"]
    assert (consumer["script"], consumer["dead_letter_queue"]) == (name, "orders-dead")
    expected = {"batch_size": 3, "max_wait_time_ms": 1000, "max_retries": 7}
    assert consumer["settings"] == expected | {"retry_delay": 9, "max_concurrency": 2}


def test_a_later_deploy_changes_the_existing_consumer(project: Project) -> None:
    queue = create_queue(project.platform, "again")
    for size in (2, 4):
        project.write(QUEUES, queues={"consumers": [{"queue": "again", "max_batch_size": size}]})
        project.deploy()

    [consumer] = project.platform.api("GET", f"queues/{queue}/consumers").json()["result"]
    assert consumer["settings"]["batch_size"] == 4


def test_a_deploy_names_the_missing_queue(project: Project) -> None:
    project.write(QUEUES, queues={"consumers": [{"queue": "nowhere"}]})

    result = project.wrangler("deploy", "--strict")

    assert result.exit_code == 1
    assert 'Queue "nowhere" does not exist' in result.stdout + result.stderr


def test_wrangler_creates_the_queue_that_a_producer_names(project: Project) -> None:
    project.write(QUEUES, queues={"producers": [{"binding": "OUT", "queue": "provisioned"}]})

    project.deploy()

    [queue] = project.platform.api("GET", "queues?name=provisioned").json()["result"]
    assert queue["producers"] == [{"type": "worker", "script": project.name}]


def test_wrangler_creates_shows_and_deletes_a_queue(project: Project) -> None:
    results = [
        project.wrangler("queues", *arguments)
        for arguments in (["create", "by-hand"], ["info", "by-hand"], ["delete", "by-hand"])
    ]

    assert [result.exit_code for result in results] == [0, 0, 0], results
    assert "by-hand" in results[1].stdout


def test_messages_survive_a_deploy_of_their_consumer(project: Project) -> None:
    queue = create_queue(project.platform, "busy")
    slow_consumer = {"queue": "busy", "max_batch_timeout": 4}
    settings = {"kv_namespaces": [new_namespace(project)], "queues": {"consumers": [slow_consumer]}}
    project.write(QUEUES, **settings)
    project.deploy()

    push_message(project.platform, queue, "kept")
    project.deploy()

    assert received_messages(project.platform, project.name)[0]["body"] == "kept"
    wait_for(lambda: backlog_count(project.platform, queue), 0)


def test_a_worker_calls_another_through_its_binding(project: Project, tmp_path: Path) -> None:
    back = another_project(project, tmp_path / "back", f"{project.name}-b")
    back.write(BACK)
    back.deploy()
    project.write(FRONT, services=[{"binding": "BACK", "service": back.name}])

    project.deploy()

    response = project.platform.fetch(project.name).json()
    assert response == {"status": 201, "text": "POST /path in"}


def test_a_worker_runs_the_workflow_of_another_worker(project: Project) -> None:
    deploy_workflow(project.platform, "child-flow")
    binding = {"binding": "CHILD", "name": "child-flow", "class_name": "Flow"}
    project.write(CALLER, workflows=[binding | {"script_name": "child-flow"}])

    project.deploy()
    run = project.platform.fetch(project.name, method="POST", json={"sleep": 10}).json()

    status = run["status"]
    assert status["status"] == "complete"
    assert status["output"]["second"] == {"attempt": 1}
    assert wait_for_output(project.platform, "child-flow", run["id"]) == status["output"]


def test_a_worker_writes_analytics_points(project: Project) -> None:
    project.write(POINTS, analytics_engine_datasets=[{"binding": "POINTS", "dataset": "points"}])

    project.deploy()

    assert project.platform.fetch(project.name).text == "undefined"


@pytest.mark.parametrize(
    "binding",
    [
        {"type": "service", "service": "missing-worker"},
        {
            "type": "workflow",
            "workflow_name": "w",
            "class_name": "C",
            "script_name": "missing-worker",
        },
    ],
)
def test_a_binding_to_a_missing_worker_is_refused(platform: Platform, binding: Binding) -> None:
    response = upload(platform, "hopeful", HELLO, {"name": "BACK", **binding})

    error = response.json()["errors"][0]
    assert (response.status_code, error["code"]) == (400, 10143)
    assert "'BACK'" in error["message"]
    assert "'missing-worker'" in error["message"]


@pytest.mark.parametrize("kind", ["ai", "vectorize", "hyperdrive", "browser", "mtls_certificate"])
def test_an_unsupported_binding_is_named(platform: Platform, kind: str) -> None:
    response = upload(platform, "modern", HELLO, {"name": "SMART", "type": kind})

    error = response.json()["errors"][0]
    assert response.status_code == 400
    assert f"binding SMART of type {kind}" in error["message"]
    assert platform.api("GET", "workers/services/modern").status_code == 404
