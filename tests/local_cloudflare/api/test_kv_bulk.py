"""Many keys of a KV namespace in one call, and its title."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import create_namespace
from tests.support.platform_fixture import Platform


class Namespace:
    """A namespace of the test, called through the API."""

    def __init__(self, platform: Platform, title: str) -> None:
        self.platform = platform
        self.id = create_namespace(platform, title)

    def call(self, method: str, path: str = "", body: object = None) -> httpx.Response:
        return self.platform.api(method, f"storage/kv/namespaces/{self.id}{path}", json=body)

    def keys(self) -> list[str]:
        return [item["name"] for item in self.call("GET", "/keys").json()["result"]]


@pytest.fixture(scope="module")
def namespace(platform: Platform) -> Namespace:
    """A namespace that the tests share; each has its own keys."""
    return Namespace(platform, "bulk")


def test_many_values_are_read_together(namespace: Namespace) -> None:
    pairs = [
        {"key": "read-a", "value": '{"n":1}', "metadata": {"m": 2}},
        {"key": "read-b", "value": "2"},
    ]
    namespace.call("PUT", "/bulk", pairs)
    keys = ["read-a", "read-b", "missing"]

    texts = namespace.call("POST", "/bulk/get", {"keys": keys}).json()["result"]["values"]
    parsed = namespace.call("POST", "/bulk/get", {"keys": keys, "type": "json"}).json()["result"]
    detailed = namespace.call("POST", "/bulk/get", {"keys": ["read-a"], "withMetadata": True})

    assert texts == {"read-a": '{"n":1}', "read-b": "2", "missing": None}
    assert parsed["values"] == {"read-a": {"n": 1}, "read-b": 2, "missing": None}
    assert detailed.json()["result"]["values"]["read-a"]["metadata"] == {"m": 2}


@pytest.mark.parametrize(("method", "path"), [("POST", "/bulk/delete"), ("DELETE", "/bulk")])
def test_many_keys_are_deleted_together(platform: Platform, method: str, path: str) -> None:
    namespace = Namespace(platform, f"bulk-{method}")
    namespace.call("PUT", "/bulk", [{"key": key, "value": "v"} for key in "abc"])

    namespace.call(method, path, ["a", "c", "missing"])

    assert namespace.keys() == ["b"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/bulk/get", {"keys": ["k"] * 101}),
        ("POST", "/bulk/delete", ["k"] * 10_001),
        ("PUT", "/bulk", [{"key": "k", "value": "v"}] * 10_001),
    ],
    ids=["get", "delete", "put"],
)
def test_too_many_keys_are_refused(
    namespace: Namespace, method: str, path: str, body: object
) -> None:
    assert namespace.call(method, path, body).status_code == 400


def test_a_namespace_is_renamed(platform: Platform) -> None:
    namespace = Namespace(platform, "before")
    create_namespace(platform, "taken")

    renamed = namespace.call("PUT", body={"title": "after"})
    taken = namespace.call("PUT", body={"title": "taken"})

    assert (renamed.status_code, taken.status_code) == (200, 400)
    assert namespace.call("GET").json()["result"]["title"] == "after"


@pytest.mark.long
def test_wrangler_changes_many_keys(project: Project) -> None:
    namespace = Namespace(project.platform, "bulk-by-wrangler")
    pairs = [{"key": key, "value": key} for key in "abc"]
    (project.folder / "pairs.json").write_text(json.dumps(pairs))
    (project.folder / "keys.json").write_text(json.dumps(["a", "b"]))
    options = (f"--namespace-id={namespace.id}", "--remote")

    put = project.wrangler("kv", "bulk", "put", "pairs.json", *options)
    read = project.wrangler("kv", "bulk", "get", "keys.json", *options)
    deleted = project.wrangler("kv", "bulk", "delete", "keys.json", *options, "--force")

    for result in (put, read, deleted):
        assert result.exit_code == 0, result.stdout + result.stderr
    assert '"a"' in read.stdout
    assert namespace.keys() == ["c"]
