"""What Workers that wrangler deployed do with their bindings."""

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
    const answer = await env.BACK.fetch("https://back/path", { method: "POST", body: "in" });
    return Response.json({ status: answer.status, text: await answer.text() });
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


def other(project: Project, folder: Path, name: str) -> Project:
    """Return a second project, in a folder of its own."""
    folder.mkdir()
    return replace(project, folder=folder, name=name)


def namespace(project: Project) -> dict[str, str]:
    platform = project.platform
    made = platform.client().kv.namespaces.create(
        account_id=platform.account_id, title=project.name
    )
    assert made is not None
    return {"binding": "KV", "id": made.id}


def test_a_deploy_makes_the_worker_its_queues_consumer(project: Project) -> None:
    queue, name = create_queue(project.platform, "orders"), project.name
    consumer = {"queue": "orders", "max_batch_size": 3, "max_batch_timeout": 1}
    consumer |= {"max_retries": 7, "retry_delay": 9, "max_concurrency": 2}
    consumer |= {"dead_letter_queue": "orders-dead"}
    queues = {"producers": [{"binding": "OUT", "queue": "orders"}], "consumers": [consumer]}
    project.write(QUEUES, queues=queues, kv_namespaces=[namespace(project)])

    project.deploy()
    project.platform.fetch(name, method="POST", json={"by": "code"})
    push_message(project.platform, queue, {"by": "api"})

    bodies = [message["body"] for message in received_messages(project.platform, name, 2)]
    assert sorted(bodies, key=str) == [{"by": "api"}, {"by": "code"}]
    [kept] = project.platform.api("GET", f"queues/{queue}/consumers").json()["result"]
    assert (kept["script"], kept["dead_letter_queue"]) == (name, "orders-dead")
    expected = {"batch_size": 3, "max_wait_time_ms": 1000, "max_retries": 7}
    assert kept["settings"] == expected | {"retry_delay": 9, "max_concurrency": 2}


def test_a_later_deploy_changes_the_consumer_it_has(project: Project) -> None:
    queue = create_queue(project.platform, "again")
    for size in (2, 4):
        project.write(QUEUES, queues={"consumers": [{"queue": "again", "max_batch_size": size}]})
        project.deploy()

    [kept] = project.platform.api("GET", f"queues/{queue}/consumers").json()["result"]
    assert kept["settings"]["batch_size"] == 4


def test_a_deploy_names_the_queue_that_is_not_there(project: Project) -> None:
    project.write(QUEUES, queues={"consumers": [{"queue": "nowhere"}]})

    done = project.wrangler("deploy", "--strict")

    assert done.exit_code == 1
    assert 'Queue "nowhere" does not exist' in done.stdout + done.stderr


def test_wrangler_itself_makes_the_queue_that_a_producer_names(project: Project) -> None:
    project.write(QUEUES, queues={"producers": [{"binding": "OUT", "queue": "provisioned"}]})

    project.deploy()

    [made] = project.platform.api("GET", "queues?name=provisioned").json()["result"]
    assert made["producers"] == [{"type": "worker", "script": project.name}]


def test_wrangler_makes_shows_and_deletes_a_queue(project: Project) -> None:
    steps = [
        project.wrangler("queues", *arguments)
        for arguments in (["create", "by-hand"], ["info", "by-hand"], ["delete", "by-hand"])
    ]

    assert [step.exit_code for step in steps] == [0, 0, 0], steps
    assert "by-hand" in steps[1].stdout


def test_messages_survive_a_deploy_of_their_consumer(project: Project) -> None:
    queue = create_queue(project.platform, "busy")
    slow = {"queue": "busy", "max_batch_timeout": 4}
    settings = {"kv_namespaces": [namespace(project)], "queues": {"consumers": [slow]}}
    project.write(QUEUES, **settings)
    project.deploy()

    push_message(project.platform, queue, "kept")
    project.deploy()

    assert received_messages(project.platform, project.name)[0]["body"] == "kept"
    wait_for(lambda: backlog_count(project.platform, queue), 0)


def test_a_worker_calls_another_through_its_binding(project: Project, tmp_path: Path) -> None:
    back = other(project, tmp_path / "back", f"{project.name}-b")
    back.write(BACK)
    back.deploy()
    project.write(FRONT, services=[{"binding": "BACK", "service": back.name}])

    project.deploy()

    answer = project.platform.fetch(project.name).json()
    assert answer == {"status": 201, "text": "POST /path in"}


def test_a_worker_runs_the_workflow_of_another_to_its_end(project: Project) -> None:
    deploy_workflow(project.platform, "child-flow")
    binding = {"binding": "CHILD", "name": "child-flow", "class_name": "Flow"}
    project.write(CALLER, workflows=[binding | {"script_name": "child-flow"}])

    project.deploy()
    answer = project.platform.fetch(project.name, method="POST", json={"sleep": 10}).json()

    assert answer["status"]["status"] == "complete"
    assert answer["status"]["output"]["second"] == {"attempt": 1}
    assert (
        wait_for_output(project.platform, "child-flow", answer["id"]) == answer["status"]["output"]
    )


def test_analytics_points_are_written(project: Project) -> None:
    project.write(POINTS, analytics_engine_datasets=[{"binding": "POINTS", "dataset": "points"}])

    project.deploy()

    assert project.platform.fetch(project.name).text == "undefined"


@pytest.mark.parametrize(
    "binding",
    [
        {"type": "service", "service": "gone-worker"},
        {"type": "workflow", "workflow_name": "w", "class_name": "C", "script_name": "gone-worker"},
    ],
)
def test_a_worker_that_is_not_there_is_not_bound(platform: Platform, binding: Binding) -> None:
    answer = upload(platform, "hopeful", HELLO, {"name": "BACK", **binding})

    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"]) == (400, 10143)
    assert "'BACK'" in error["message"]
    assert "'gone-worker'" in error["message"]


@pytest.mark.parametrize(
    "kind", ["ai", "vectorize", "hyperdrive", "browser", "durable_object_namespace"]
)
def test_a_binding_that_the_platform_has_not_is_named(platform: Platform, kind: str) -> None:
    answer = upload(platform, "modern", HELLO, {"name": "SMART", "type": kind})

    error = answer.json()["errors"][0]
    assert answer.status_code == 400
    assert f"binding SMART of type {kind}" in error["message"]
    assert platform.api("GET", "workers/services/modern").status_code == 404
