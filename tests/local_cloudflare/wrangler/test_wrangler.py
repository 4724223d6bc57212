"""Deploys, secrets and deletion with the real wrangler."""

from __future__ import annotations

import json

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import (
    HELLO,
    WORKFLOW,
    start_run,
    upload,
    wait_for_output,
    workflow_binding,
)

SECRET = "found-nowhere-but-in-env"
ECHO = "export default { fetch(request, env) { return Response.json({ ...env, WORKFLOW: 0 }) } }"


def test_a_first_deploy_creates_a_worker_and_its_workflow(project: Project) -> None:
    workflow = {"name": project.name, "binding": "WORKFLOW", "class_name": "Flow"}
    project.write(WORKFLOW, workflows=[workflow])

    line = project.deploy()

    assert (line["type"], line["version_id"]) == ("deploy", project.live_version())
    instance = start_run(project.platform, project.name)
    assert wait_for_output(project.platform, project.name, instance)["second"] == {"attempt": 1}


def test_a_later_deploy_replaces_the_code_and_keeps_the_secrets(project: Project) -> None:
    project.write(ECHO, vars={"PLAIN": "first"})
    first = project.deploy(TOKEN=SECRET)
    project.write(ECHO, vars={"PLAIN": "second"})
    second = project.deploy(OTHER="more")

    env = project.platform.fetch(project.name).json()
    assert env == {"WORKFLOW": 0, "PLAIN": "second", "TOKEN": SECRET, "OTHER": "more"}
    assert second["version_id"] == project.live_version() != first["version_id"]


@pytest.mark.long
def test_strict_refuses_a_worker_that_the_api_changed(project: Project) -> None:
    upload(project.platform, project.name, HELLO)
    project.write(HELLO)

    result = project.wrangler("deploy", "--strict")

    assert result.exit_code == 1
    assert "last updated via the script API" in result.stdout + result.stderr


@pytest.mark.long
def test_strict_refuses_the_workflow_of_another_worker(project: Project) -> None:
    upload(project.platform, "workflow-owner", WORKFLOW, workflow_binding("taken"))
    body = {"script_name": "workflow-owner", "class_name": "Flow"}
    project.platform.api("PUT", "workflows/taken", json=body)
    project.write(WORKFLOW, workflows=[{"name": "taken", "binding": "W", "class_name": "Flow"}])

    result = project.wrangler("deploy", "--strict")

    assert result.exit_code == 1
    assert 'belongs to "workflow-owner"' in result.stdout + result.stderr


def test_code_that_does_not_start_fails_with_its_error(project: Project) -> None:
    project.write(HELLO)
    project.deploy()
    project.write('throw new Error("no engine"); export default {}')

    result = project.wrangler("deploy", "--strict")

    assert result.exit_code == 1
    assert "no engine" in result.stdout + result.stderr
    assert "10021" in result.stdout + result.stderr
    assert project.platform.fetch(project.name).text == "hello"


def test_secrets_are_listed_set_and_deleted(project: Project) -> None:
    project.write(ECHO)
    project.deploy(ONE="1")
    (project.folder / "bulk.json").write_text(json.dumps({"TWO": SECRET, "ONE": None}))

    bulk = project.wrangler("secret", "bulk", "bulk.json")
    listed = project.wrangler("secret", "list")
    deleted = project.wrangler("secret", "delete", "TWO")

    assert (bulk.exit_code, listed.exit_code, deleted.exit_code) == (0, 0, 0)
    assert json.loads(listed.stdout) == [{"name": "TWO", "type": "secret_text"}]
    assert project.platform.fetch(project.name).json() == {"WORKFLOW": 0}


@pytest.mark.long
def test_delete_removes_the_worker(project: Project) -> None:
    project.write(HELLO)
    project.deploy()

    result = project.wrangler("delete")

    assert result.exit_code == 0, result.stdout + result.stderr
    assert "container" not in (result.stdout + result.stderr).lower()
    assert project.platform.fetch(project.name).status_code == 404
