"""Three web servers and four workers lose a member of each kind and their database, and nothing else.

The tests run in this order, on the same cluster.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest

from tests.cluster.cluster import WEB_SERVERS, Cluster, Watcher, wait_for
from tests.deployments.fakes import document
from tests.workflows.ir import documents

WORKFLOWS = 4
RECORDS = "SELECT id FROM deployments_stagerecord ORDER BY id"
UNFINISHED = "SELECT id FROM deployments_deployment WHERE status IN ('queued', 'running')"


@pytest.fixture(scope="module")
def workflows(cluster: Cluster) -> list[str]:
    return [cluster.installation.import_document(document()) for _ in range(WORKFLOWS)]


@pytest.fixture(scope="module")
def watchers(cluster: Cluster) -> list[Watcher]:
    """One open dashboard at each web server."""
    watchers = [Watcher(cluster, "/events/", port) for port in cluster.ports]
    for watcher in watchers:
        watcher.start()
    wait_for(lambda: all(watcher.connections for watcher in watchers))
    return watchers


def press(cluster: Cluster, port: int, workflow: str) -> None:
    """Request a deployment, and read the stream up to its first event."""
    with (
        cluster.client(port) as client,
        client.stream("POST", f"/api/workflows/{workflow}/deploy-stream", json={}) as stream,
    ):
        assert stream.status_code == 200, stream.read()


def press_everywhere(cluster: Cluster, workflows: list[str]) -> None:
    with ThreadPoolExecutor() as pool:
        pairs = [(port, workflow) for workflow in workflows for port in cluster.ports]
        list(pool.map(lambda pair: press(cluster, *pair), pairs))


def all_ended(cluster: Cluster) -> bool:
    return not cluster.rows(UNFINISHED)


def overlapping(cluster: Cluster) -> list[Any]:
    """Return the pairs of deployments of one workflow and target that ran at the same time."""
    return cluster.rows(
        "SELECT a.id, b.id FROM deployments_deployment a JOIN deployments_deployment b "
        "USING (workflow_public_id, target_id) "
        "WHERE a.id < b.id AND a.started_at IS NOT NULL AND b.started_at IS NOT NULL "
        "AND (a.started_at, a.finished_at) OVERLAPS (b.started_at, b.finished_at)"
    )


def test_deployments_survive_the_end_of_a_worker_a_web_server_and_the_database(
    cluster: Cluster, workflows: list[str], watchers: list[Watcher]
) -> None:
    press_everywhere(cluster, workflows)
    killed = cluster.kill_worker_that_deploys()
    cluster.kill_web()
    wait_for(lambda: cluster.rows("SELECT 1 FROM deployments_lease") or all_ended(cluster))
    cluster.server.restart()
    press_everywhere(cluster, workflows)

    wait_for(lambda: all_ended(cluster))

    assert len(cluster.ports) == WEB_SERVERS - 1
    statuses = dict(cluster.rows("SELECT id, status FROM deployments_deployment"))
    newest = cluster.rows("SELECT max(id) FROM deployments_deployment GROUP BY workflow_public_id")
    assert {statuses[pk] for (pk,) in newest} == {"succeeded"}
    assert statuses[killed] in {"interrupted", "succeeded"}
    assert set(statuses.values()) <= {"interrupted", "succeeded", "superseded"}
    assert overlapping(cluster) == []


def test_every_watcher_has_seen_every_stage_once_and_in_order(
    cluster: Cluster, watchers: list[Watcher]
) -> None:
    expected = [pk for (pk,) in cluster.rows(RECORDS)]
    wait_for(lambda: all(watcher.cursor == expected[-1] for watcher in watchers))

    seen = [watcher.end() for watcher in watchers]

    assert seen == [expected] * len(watchers)
    assert all(watcher.connections > 1 for watcher in watchers[:1])


def test_a_run_is_followed_by_a_worker_and_shown_by_every_web_server(
    cluster: Cluster, workflows: list[str]
) -> None:
    with cluster.client(cluster.ports[0]) as client, client.stream("GET", "/runs/events/") as page:
        lines = page.iter_lines()
        next(lines)
        run = cluster.installation.json("trigger_workflow", workflows[0], "{}")["id"]
        wait_for(lambda: next(lines).startswith("data: "))

    query = "SELECT status FROM runs_run WHERE instance_id = %s"
    wait_for(lambda: cluster.rows(query, run) == [("complete",)])
    for port in cluster.ports:
        with cluster.client(port) as client:
            assert run in client.get("/runs/").text


def test_people_at_different_web_servers_edit_the_same_draft(cluster: Cluster) -> None:
    nodes = [f"node{number}" for number in range(len(cluster.ports))]
    workflow = cluster.installation.import_document(documents.chain(*map(documents.node, nodes)))

    def edit(port: int, name: str) -> list[int]:
        revision, seen = 0, []
        with cluster.client(port) as client:
            for number in range(5):
                operation = {"type": "rename", "node": name, "name": f"Name {number}"}
                answer = client.post(
                    f"/workflows/{workflow}/draft/change/",
                    json={"revision": revision, "operation": operation},
                )
                assert answer.status_code == 200, answer.text
                revision, name = answer.json()["revision"], answer.json()["selected"]
                seen.append(revision)
        return seen

    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(edit, cluster.ports, nodes))

    assert sorted(chain.from_iterable(seen)) == list(range(1, 5 * len(nodes) + 1))


def test_a_worker_that_is_asked_to_end_does_so(cluster: Cluster) -> None:
    worker = next(worker for worker in cluster.workers if worker.poll() is None)

    worker.terminate()

    assert worker.wait() == 0
