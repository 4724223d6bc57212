"""wrangler's own commands, with every response of the API checked against Cloudflare's library."""

from __future__ import annotations

import json
import re
import select
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.local_cloudflare.support import sdk_types
from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.recorder import recording
from tests.local_cloudflare.support.workers import HELLO, WORKFLOW, wait_for_status
from toolchain.node_tools import NODE, WRANGLER


@pytest.fixture
def recorded(project: Project) -> Iterator[Project]:
    """A project whose calls of the API are checked at the end."""
    with recording(project.platform) as recorder:
        yield replace(project, api_base_url=recorder.url)
    assert recorder.calls
    problems = [problem for call in recorder.calls if (problem := sdk_types.problem(call))]
    assert not problems, "\n".join(problems)
    assert [call for call in recorder.calls if call.status >= 500] == []


def read_json(text: str) -> Any:
    return json.loads(text)


def test_kv(recorded: Project) -> None:
    recorded.write(HELLO)
    created = recorded.run("kv", "namespace", "create", "sessions")
    (id_,) = re.findall(r"[0-9a-f]{32}", created)[:1]
    place = ("--namespace-id", id_, "--remote")
    (recorded.folder / "bulk.json").write_text('[{"key": "b", "value": "2"}]')

    recorded.run("kv", "key", "put", "a", "1", *place)
    recorded.run("kv", "bulk", "put", "bulk.json", *place)

    assert recorded.run("kv", "key", "get", "a", *place).strip() == "1"
    listed = read_json(recorded.run("kv", "key", "list", *place))
    assert [key["name"] for key in listed] == ["a", "b"]
    recorded.run("kv", "key", "delete", "a", *place)
    assert id_ in recorded.run("kv", "namespace", "list")
    recorded.run("kv", "namespace", "delete", "--namespace-id", id_, "-y")
    assert id_ not in recorded.run("kv", "namespace", "list")


def test_d1(recorded: Project) -> None:
    recorded.write(HELLO)
    name = "orders-of-the-commands"
    recorded.run("d1", "create", name)
    listed = read_json(recorded.run("d1", "list", "--json"))
    (id_,) = [row["uuid"] for row in listed if row["name"] == name]
    binding = {"binding": "DB", "database_name": name, "database_id": id_}
    recorded.write(HELLO, d1_databases=[binding])

    sql = "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (7)"
    recorded.run("d1", "execute", name, "--remote", "-y", "--command", sql)
    rows = recorded.run("d1", "execute", name, "--remote", "--json", "--command", "SELECT n FROM t")

    assert read_json(rows)[0]["results"] == [{"n": 7}]
    recorded.run("d1", "info", name, "--json")
    recorded.run("d1", "export", name, "--remote", "-y", "--output", "dump.sql")
    assert "INSERT INTO" in (recorded.folder / "dump.sql").read_text()
    recorded.run("d1", "delete", name, "-y")


def test_r2(recorded: Project) -> None:
    recorded.write(HELLO)
    name = "files-of-the-commands"
    (recorded.folder / "a.txt").write_text("contents")

    recorded.run("r2", "bucket", "create", name)
    recorded.run("r2", "object", "put", f"{name}/a.txt", "--file", "a.txt", "--remote")
    recorded.run("r2", "object", "get", f"{name}/a.txt", "--file", "b.txt", "--remote")

    assert (recorded.folder / "b.txt").read_text() == "contents"
    assert name in recorded.run("r2", "bucket", "list")
    recorded.run("r2", "object", "delete", f"{name}/a.txt", "--remote")
    recorded.run("r2", "bucket", "delete", name)


def test_queues(recorded: Project) -> None:
    recorded.write("export default { queue() {} }")
    name = "jobs-of-the-commands"
    recorded.run("queues", "create", name)
    recorded.run("deploy")

    recorded.run("queues", "consumer", "add", name, recorded.name)
    assert recorded.name in recorded.run("queues", "info", name)
    recorded.run("queues", "pause-delivery", name)
    recorded.run("queues", "resume-delivery", name)
    recorded.run("queues", "purge", name, "--force")
    recorded.run("queues", "consumer", "remove", name, recorded.name)
    assert name in recorded.run("queues", "list")
    recorded.run("queues", "delete", name)


def test_secrets(recorded: Project) -> None:
    recorded.write(HELLO)
    recorded.run("deploy")
    (recorded.folder / "bulk.json").write_text('{"TWO": "2"}')

    recorded.run("secret", "put", "ONE", typed="1")
    recorded.run("secret", "bulk", "bulk.json")

    listed = read_json(recorded.run("secret", "list"))
    assert sorted(secret["name"] for secret in listed) == ["ONE", "TWO"]
    recorded.run("secret", "delete", "ONE")


def test_versions_and_deployments(recorded: Project) -> None:
    recorded.write(HELLO)
    recorded.run("deploy")
    recorded.run("versions", "upload", "--tag", "second", "--message", "newer")
    versions = read_json(recorded.run("versions", "list", "--json"))
    old, new = (version["id"] for version in sorted(versions, key=lambda row: row["number"]))

    recorded.run("versions", "deploy", f"{old}@50%", f"{new}@50%", "-y")

    recorded.run("versions", "view", new, "--json")
    status = read_json(recorded.run("deployments", "status", "--json"))
    assert {row["version_id"] for row in status["versions"]} == {old, new}
    assert len(read_json(recorded.run("deployments", "list", "--json"))) == 2
    recorded.run("versions", "secret", "put", "KEY", typed="x")
    recorded.run("rollback", old, "-y", "--message", "back")
    recorded.run("delete", "--force")


def test_tail(recorded: Project) -> None:
    recorded.write("export default { fetch() { console.log('here'); return new Response() } }")
    recorded.run("deploy")
    tail = subprocess.Popen(
        [str(NODE), str(WRANGLER), "tail", recorded.name, "--format", "json"],
        cwd=recorded.folder,
        env=recorded.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert tail.stdout
        lines: list[str] = []
        while not any('"here"' in line for line in lines):
            recorded.platform.fetch(recorded.name)
            if select.select([tail.stdout], [], [], 0.1)[0]:
                lines.append(tail.stdout.readline())
            assert tail.poll() is None
    finally:
        tail.terminate()
        tail.wait()
        if tail.stdout:
            tail.stdout.close()


def test_workflows(recorded: Project) -> None:
    name = recorded.name
    binding = {"name": name, "binding": "WORKFLOW", "class_name": "Flow"}
    recorded.write(WORKFLOW, workflows=[binding])
    recorded.run("deploy")

    recorded.run("workflows", "trigger", name, '{"wait": true}', "--id", "first")
    wait_for_status(recorded.platform, name, "first", "waiting")

    assert name in recorded.run("workflows", "list")
    recorded.run("workflows", "describe", name)
    assert "first" in recorded.run("workflows", "instances", "list", name)
    assert "ear" in recorded.run("workflows", "instances", "describe", name, "first")
    recorded.run("workflows", "instances", "pause", name, "first")
    recorded.run("workflows", "instances", "resume", name, "first")
    recorded.run("workflows", "instances", "terminate", name, "first")
    recorded.run("workflows", "delete", name)


REFUSED = """
ai models
ai finetune list
ai-search list
browser list
cert list
containers list
d1 insights {name}
d1 time-travel info {name}
d1 time-travel restore {name} --bookmark x
dispatch-namespace create a
dispatch-namespace list
hyperdrive list
mtls-certificate list
pages project list
queues consumer http add {name}
queues subscription list {name}
r2 bucket catalog get {name}
r2 bucket cors list {name}
r2 bucket dev-url get {name}
r2 bucket domain list {name}
r2 bucket lifecycle list {name}
r2 bucket lock list {name}
r2 bucket notification list {name}
r2 bucket sippy get {name}
secrets-store store list --remote
tunnel list
vectorize get a
vectorize list
"""


def test_a_command_that_is_not_supported_is_refused_by_name(project: Project) -> None:
    project.write(HELLO)
    name = "resource-of-refused-commands"
    platform = project.platform
    for path, body in {
        "d1/database": {"name": name},
        "queues": {"queue_name": name},
        "r2/buckets": {"name": name},
    }.items():
        assert platform.api("POST", path, json=body).status_code == 200

    wrong = []
    for command in REFUSED.strip().splitlines():
        result = project.wrangler(*command.format(name=name).split())
        said = result.stdout + result.stderr
        is_named = "does not support" in said or "[code: 99501]" in said
        if result.exit_code == 0 or not is_named:
            wrong.append(f"{command}: {result.exit_code} {said}")

    assert wrong == []
