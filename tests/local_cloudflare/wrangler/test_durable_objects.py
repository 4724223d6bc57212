"""Durable Objects, deployed with the real wrangler."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import HELLO, Binding, upload, wait_until
from tests.support.platform_fixture import Platform, error_codes, start_platform

CODE = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async add(number) {
    const total = ((await this.ctx.storage.get("total")) ?? 0) + number;
    await this.ctx.storage.put("total", total);
    return total;
  }
  async wait(milliseconds) { await this.ctx.storage.setAlarm(Date.now() + milliseconds); }
  async alarm() { await this.add(100); }
  hasSql() { try { return Boolean(this.ctx.storage.sql.databaseSize); } catch { return false; } }
}
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const counter = env.COUNTER.getByName(pathname);
    if (searchParams.has("sql")) return Response.json(await counter.hasSql());
    if (searchParams.has("wait")) await counter.wait(Number(searchParams.get("wait")));
    return Response.json(await counter.add(Number(searchParams.get("add") ?? 0)));
  },
};
"""
BINDINGS = {"bindings": [{"name": "COUNTER", "class_name": "Counter"}]}
COUNTER = {"type": "durable_object_namespace", "class_name": "Counter"}
FIRST = {"tag": "v1", "new_sqlite_classes": ["Counter"]}


def deploy(project: Project, *migrations: object, code: str = CODE, **bindings: object) -> str:
    project.write(code, durable_objects=bindings or BINDINGS, migrations=list(migrations))
    result = project.wrangler("deploy")
    return result.stdout + result.stderr if result.exit_code else ""


def total(project: Project, query: str = "", platform: Platform | None = None) -> object:
    return (platform or project.platform).fetch(project.name, f"/one{query}").json()


def test_an_object_keeps_its_storage_when_its_class_is_renamed(project: Project) -> None:
    assert deploy(project, FIRST) == ""
    assert [total(project, "?add=1"), total(project, "?add=2")] == [1, 3]
    assert total(project, "?sql") is True
    assert deploy(project, FIRST, code=CODE + "// newer") == ""
    assert total(project) == 3

    renamed = {"tag": "v2", "renamed_classes": [{"from": "Counter", "to": "Tally"}]}
    binding = {"bindings": [{"name": "COUNTER", "class_name": "Tally"}]}
    code = CODE.replace("class Counter", "class Tally")
    assert deploy(project, FIRST, renamed, code=code, **binding) == ""

    assert total(project) == 3


@pytest.mark.long
def test_deleting_a_class_deletes_the_storage_of_its_objects(project: Project) -> None:
    deploy(project, FIRST)
    total(project, "?add=5")
    stored = list((project.platform.state / "groups").glob(f"worker-{project.name}/do/*"))
    assert len(stored) == 1

    deleted = {"tag": "v2", "deleted_classes": ["Counter"]}
    assert deploy(project, FIRST, deleted, code=HELLO, bindings=[]) == ""

    assert not stored[0].exists()
    again = {"tag": "v3", "new_classes": ["Counter"]}
    assert deploy(project, FIRST, deleted, again) == ""
    assert [total(project), total(project, "?sql")] == [0, False]


@pytest.mark.long
def test_storage_and_alarms_survive_a_restart_of_the_platform(
    project: Project, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    first = start_platform(data)
    own = Project(platform=first, folder=tmp_path, name="kept")
    try:
        assert deploy(own, FIRST) == ""
        assert total(own, "?add=7") == 7
        assert total(own, "?wait=3000") == 7
    finally:
        first.kill()
    second = start_platform(data)
    try:
        assert total(own, platform=second) in (7, 107)
        wait_until(lambda: total(own, platform=second) == 107)
    finally:
        second.running.stop()


@pytest.mark.long
def test_a_group_with_an_alarm_is_not_stopped_when_idle(tmp_path: Path) -> None:
    platform = start_platform(
        tmp_path / "data", environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0.5"}
    )
    project = Project(platform=platform, folder=tmp_path, name="alarmed")
    pid_file = platform.state / "groups" / "worker-alarmed" / "workerd.pid"
    try:
        deploy(project, FIRST)
        total(project, "?wait=4000")
        wait_until(lambda: not pid_file.exists())
        assert total(project) == 100
    finally:
        platform.running.stop()


@pytest.mark.long
def test_another_worker_can_use_the_objects(project: Project) -> None:
    deploy(project, FIRST)
    total(project, "?add=4")
    user = f"{project.name[:30]}-user"
    binding: Binding = {**COUNTER, "name": "COUNTER", "script_name": project.name}

    response = upload(project.platform, user, CODE, binding)
    project.platform.api("POST", f"workers/scripts/{user}/subdomain", json={"enabled": True})

    assert response.status_code == 200, response.text
    assert project.platform.fetch(user, "/one").json() == 4
    listed = project.platform.api("GET", "workers/durable_objects/namespaces").json()["result"]
    assert f"{project.name}_Counter" in [namespace["name"] for namespace in listed]


@pytest.mark.long
def test_deleting_a_worker_deletes_its_objects(project: Project) -> None:
    deploy(project, FIRST)
    total(project, "?add=9")

    result = project.wrangler("delete", "--force")

    assert result.exit_code == 0, result.stdout + result.stderr
    deploy(project, FIRST)
    assert total(project) == 0


@pytest.mark.parametrize(
    ("migrations", "code"),
    [
        (None, 10061),
        ({"new_tag": "v2", "steps": [{"new_sqlite_classes": ["Counter"]}]}, 10074),
        ({"old_tag": "v0", "new_tag": "v2", "steps": []}, 10079),
        ({"new_tag": "v2", "steps": [{"renamed_classes": [{"from": "No", "to": "A"}]}]}, 10021),
    ],
)
def test_a_wrong_migration_is_refused_and_changes_nothing(
    platform: Platform, migrations: dict[str, object] | None, code: int
) -> None:
    name = f"wrong-{code}"
    binding: Binding = {**COUNTER, "name": "COUNTER"}
    if migrations is not None:
        first = {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Counter"]}]}
        created = upload(platform, name, CODE, binding, migrations=first)
        assert created.status_code == 200, created.text
        migrations = {"old_tag": "v1", **migrations}

    refused = upload(platform, name, CODE, binding, migrations=migrations)

    assert error_codes(refused) == [code]
    namespaces = platform.api("GET", "workers/durable_objects/namespaces?per_page=1000").json()
    kept = [row["class"] for row in namespaces["result"] if row["script"] == name]
    assert kept == ([] if migrations is None else ["Counter"])


def test_code_without_its_class_does_not_replace_the_version(project: Project) -> None:
    deploy(project, FIRST)
    total(project, "?add=2")

    printed = deploy(project, FIRST, code=HELLO)

    assert "does not export class 'Counter'" in printed
    assert "10064" in printed
    assert total(project) == 2
