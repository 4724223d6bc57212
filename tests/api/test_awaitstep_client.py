"""A client that was written for AwaitStep's documented calls works with another base URL."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from tests.api.callers import superuser_client
from tests.deployments.fakes import document
from workflows.models import EnvironmentVariable

pytestmark = pytest.mark.django_db


class AwaitStep:
    """The calls as AwaitStep documents them; each returns the status and the body."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        text = "" if body is None else json.dumps(body)
        response = self._client.generic(method, f"/api{path}", text, "application/json")
        return response.status_code, json.loads(response.content or "null")


@pytest.fixture
def api(db: None) -> AwaitStep:
    return AwaitStep(superuser_client())


@pytest.fixture
def workflow_id(api: AwaitStep) -> str:
    _, created = api.call("POST", "/workflows", {"name": "Orders", "kind": "workflow"})
    return str(created["id"])


def test_workflows_are_created_listed_changed_and_deleted(api: AwaitStep) -> None:
    body = {"name": "Orders", "description": "Ships orders", "kind": "script"}
    status, created = api.call("POST", "/workflows", body)
    path = f"/workflows/{created['id']}"
    assert (status, created["kind"]) == (201, "script")

    status, page = api.call("GET", "/workflows?limit=1")
    assert ([row["id"] for row in page["data"]], page["nextCursor"]) == ([created["id"]], None)

    changes = {
        "name": "Invoices",
        "envVars": [{"name": "API_KEY", "value": "s3cret", "isSecret": True}],
        "dependencies": {"zod": "4.1.0"},
        "deployConfig": {"route": {"pattern": "a.example.com/*", "zoneName": "example.com"}},
    }
    status, changed = api.call("PATCH", path, changes)
    assert (status, changed["name"], changed["dependencies"]) == (200, "Invoices", {"zod": "4.1.0"})
    assert changed["deployConfig"]["routes"][0]["pattern"] == "a.example.com/*"
    assert changed["envVars"][0]["isSecret"]
    assert "s3cret" not in str(changed)

    assert api.call("PATCH", f"{path}/move", {"targetProjectId": "default"})[0] == 200
    assert api.call("PATCH", f"{path}/move", {"targetProjectId": "other"})[0] == 404
    assert api.call("DELETE", path) == (204, None)
    assert api.call("GET", path)[0] == 404


def test_a_masked_secret_that_comes_back_keeps_its_value(api: AwaitStep, workflow_id: str) -> None:
    path = f"/workflows/{workflow_id}"
    secret = {"name": "API_KEY", "value": "s3cret", "isSecret": True}
    _, changed = api.call("PATCH", path, {"envVars": [secret]})
    masked = {key: changed["envVars"][0][key] for key in ("name", "value", "isSecret")}

    assert api.call("PATCH", path, {"envVars": [masked]})[0] == 200

    assert EnvironmentVariable.objects.get().value == "s3cret"


def test_versions_are_saved_locked_reverted_and_deleted(api: AwaitStep, workflow_id: str) -> None:
    path = f"/workflows/{workflow_id}/versions"
    ir = document("return 1;")
    status, saved = api.call("POST", path, {"ir": ir})
    assert (status, saved["version"]) == (201, 2)
    assert api.call("POST", path, {"ir": ir})[0] == 200

    changed = deepcopy(ir)
    changed["nodes"][0]["data"]["code"] = "return 2;"
    api.call("POST", path, {"ir": changed})
    _, page = api.call("GET", path)
    assert [row["version"] for row in page["data"]] == [3, 2, 1]

    status, reverted = api.call("POST", f"{path}/2/revert")
    assert (status, reverted["changed"]) == (200, True)
    assert api.call("GET", f"/workflows/{workflow_id}/draft")[1]["ir"]["nodes"] == ir["nodes"]

    assert api.call("PATCH", f"{path}/2", {"locked": True})[1]["locked"] is True
    assert api.call("DELETE", f"{path}/2")[0] == 409
    assert api.call("DELETE", f"/workflows/{workflow_id}")[0] == 409
    assert api.call("PATCH", f"{path}/2", {"locked": False, "note": "first"})[1]["note"] == "first"
    assert [api.call("DELETE", f"{path}/{each}")[0] for each in (2, 3)] == [204, 409]
    assert api.call("GET", f"{path}/2")[0] == 404


def test_a_whole_workflow_is_one_call(api: AwaitStep, workflow_id: str) -> None:
    api.call("POST", f"/workflows/{workflow_id}/versions", {"ir": document("return 1;")})

    status, whole = api.call("GET", f"/workflows/{workflow_id}/full?version=1")

    assert status == 200
    assert whole["workflow"]["id"] == workflow_id
    assert whole["currentVersion"]["version"] == 1
    assert [row["version"] for row in whole["versions"]] == [2, 1]
    assert whole["activeDeployment"] is None
    assert api.call("GET", f"/workflows/{workflow_id}/full?version=9")[0] == 404


def test_versions_are_compared(api: AwaitStep, workflow_id: str) -> None:
    api.call("POST", f"/workflows/{workflow_id}/versions", {"ir": document("return 1;")})

    _, found = api.call("GET", f"/workflows/{workflow_id}/compare?from=v1&to=v2")

    assert found["summary"]
    assert found["nodes"]


def test_global_variables_are_set_changed_and_deleted(api: AwaitStep) -> None:
    body = {"name": "API_URL", "value": "https://a.example.com", "isSecret": False}
    status, created = api.call("POST", "/env-vars", body)
    path = f"/env-vars/{created['id']}"
    assert (status, created["value"]) == (201, "https://a.example.com")

    assert api.call("PATCH", path, {"value": "https://b.example.com"})[1]["value"].startswith(
        "https://b"
    )
    assert api.call("PATCH", path, {"name": "OTHER"})[0] == 400
    assert api.call("POST", "/env-vars", {**body, "name": "lower"})[0] == 400
    _, page = api.call("GET", "/env-vars")
    assert [row["name"] for row in page["data"]] == ["API_URL"]
    assert api.call("DELETE", path)[0] == 204


def test_variables_of_a_workflow_are_set_from_a_file(api: AwaitStep, workflow_id: str) -> None:
    status, variables = api.call(
        "POST", f"/workflows/{workflow_id}/env-file", {"env": "API_TOKEN=abc\nLEVEL=2\n"}
    )

    assert status == 200
    assert {row["name"]: row["isSecret"] for row in variables} == {
        "API_TOKEN": True,
        "LEVEL": False,
    }


def test_node_types_and_the_marketplace(api: AwaitStep) -> None:
    _, nodes = api.call("GET", "/nodes")
    status, step = api.call("GET", "/nodes/step")
    _, library = api.call("GET", "/marketplace")
    node = {"nodeId": library["data"][0]["id"]}

    assert {"step", node["nodeId"]} <= {row["id"] for row in nodes["data"]}
    assert (status, step["source"]) == (200, "built-in")
    assert api.call("GET", "/nodes/nothing")[0] == 404
    assert api.call("GET", f"/nodes/{node['nodeId']}")[1]["definition"]["id"] == node["nodeId"]
    assert api.call("POST", "/marketplace/install", node)[1]["installed"] is True
    assert api.call("POST", "/marketplace/update", node)[0] == 200
    assert api.call("POST", "/marketplace/uninstall", node)[0] == 409


def test_a_workflow_starts_from_a_template(api: AwaitStep) -> None:
    _, templates = api.call("GET", "/templates")
    template = templates["data"][0]["id"]

    status, created = api.call("POST", f"/templates/{template}/use", {"name": "Mine"})

    assert (status, created["name"]) == (201, "Mine")
    assert api.call("GET", f"/templates/{template}")[1]["ir"]["nodes"]
