"""Drafts over the API: ETags, operations, conflicts, undo, and problems with their nodes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.api.callers import key_client, make_user, superuser_client
from tests.deployments.factories import make_workflow
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"content_type": "application/json"}


@pytest.fixture
def client(db: None) -> Client:
    return superuser_client()


@pytest.fixture
def workflow(db: None) -> Workflow:
    return make_workflow()


def draft_url(workflow: Workflow, rest: str = "") -> str:
    return f"/api/workflows/{workflow.pk}/draft{rest}"


def change(client: Client, workflow: Workflow, code: str) -> Any:
    """Change the code of the first node, based on the first revision."""
    node = workflow.ir["nodes"][0]["id"]
    operation = {"type": "configure", "node": node, "field": "data.code", "value": code}
    body = {"revision": 0, "operation": operation}
    return client.post(draft_url(workflow, "/operations"), body, **JSON)


def test_a_draft_is_sent_once_for_its_etag(client: Client, workflow: Workflow) -> None:
    first = client.get(draft_url(workflow))
    second = client.get(draft_url(workflow), headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, first["ETag"]) == (200, '"0"')
    assert first.json()["ir"] == workflow.ir
    assert (second.status_code, second.content) == (304, b"")


def test_replacing_a_draft_needs_the_etag_that_was_read(client: Client, workflow: Workflow) -> None:
    body = {"ir": workflow.ir, "triggerCode": "export default {}"}

    def put(**headers: str) -> Any:
        return client.put(draft_url(workflow), body, headers=headers, **JSON)

    assert put().status_code == 428
    assert put(**{"If-Match": '"7"'}).status_code == 412
    answer = put(**{"If-Match": '"0"'})
    assert (answer.status_code, answer["ETag"]) == (200, '"1"')
    assert client.get(draft_url(workflow)).json()["triggerCode"] == "export default {}"


def test_an_operation_changes_the_draft_and_is_undone_and_redone(
    client: Client, workflow: Workflow
) -> None:
    changed = change(client, workflow, "return 2;")
    undone = client.post(draft_url(workflow, "/undo"), {}, **JSON)
    redone = client.post(draft_url(workflow, "/redo"), {}, **JSON)

    assert [each.status_code for each in (changed, undone, redone)] == [200, 200, 200]
    assert redone.json()["revision"] == 3
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["data"]["code"] == "return 2;"


def test_a_change_of_someone_else_to_the_same_part_is_a_conflict(
    client: Client, workflow: Workflow
) -> None:
    change(client, workflow, "return 2;")
    other = key_client(make_user("ada", "workflows.change_workflow"))

    answer = change(other, workflow, "return 3;")

    assert answer.status_code == 409
    assert answer.json()["details"] == {"current": "return 2;"}


def test_an_operation_that_the_editor_refuses_is_not_processable(
    client: Client, workflow: Workflow
) -> None:
    body = {"revision": 0, "operation": {"type": "explode"}}

    assert client.post(draft_url(workflow, "/operations"), body, **JSON).status_code == 422


def test_an_invalid_document_is_refused_with_its_nodes(client: Client, workflow: Workflow) -> None:
    document = {**workflow.ir, "entryNodeId": "nothing"}
    node = {**workflow.ir["nodes"][0], "type": "no_such_type"}

    answer = client.post(
        f"/api/workflows/{workflow.pk}/versions", {"ir": {**document, "nodes": [node]}}, **JSON
    )

    problems = answer.json()["problems"]
    assert answer.status_code == 400
    assert node["id"] in {problem["node"] for problem in problems}


@pytest.mark.long
def test_the_problems_of_a_draft_have_paths(client: Client) -> None:
    workflow = make_workflow(code="return missing;")

    found = client.get(draft_url(workflow, "/problems")).json()

    assert found["errors"] == 1
    assert found["problems"][0]["field"] == "code"


def test_the_files_of_a_project_are_read_and_changed(client: Client) -> None:
    created = client.post("/api/workflows/from-files", {"name": "Shop"}, **JSON).json()
    url = f"/api/workflows/{created['id']}/files"
    path = "src/index.ts"
    tag = client.get(f"{url}/content", {"path": path}).json()["tag"]
    write = {"operation": "write", "path": path, "base": tag, "text": "export {};\n"}

    changed = client.post(f"{url}/operations", write, **JSON)
    outdated = client.post(f"{url}/operations", {**write, "text": "other"}, **JSON)

    assert created["kind"] == "project"
    assert (changed.status_code, outdated.status_code) == (200, 409)
    assert client.get(f"{url}/content", {"path": path}).json()["text"] == "export {};\n"
    assert path in {file["path"] for file in client.get(url).json()}
