"""KV, D1 and R2: created through the SDK, used by a Worker, kept after a restart."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.workers import (
    HELLO,
    Binding,
    create_namespace,
    deploy_worker,
    namespace_binding,
)
from tests.support.platform_fixture import Platform, start_platform

STORES = """
export default {
  async fetch(request, env) {
    const key = new URL(request.url).pathname.slice(1);
    if (request.method === "PUT") {
      const value = await request.text();
      await env.KV.put(key, value);
      await env.DB.exec("CREATE TABLE IF NOT EXISTS t (key TEXT, value TEXT)");
      await env.DB.prepare("INSERT INTO t VALUES (?, ?)").bind(key, value).run();
      await env.BUCKET.put(key, value);
    }
    const row = await env.DB.prepare("SELECT value FROM t WHERE key = ?").bind(key).first();
    const object = await env.BUCKET.get(key);
    return Response.json({ kv: await env.KV.get(key), d1: row.value, r2: await object.text() });
  },
};
"""


def provision(platform: Platform, name: str) -> list[Binding]:
    """Create one resource of each kind; return their bindings."""
    client, account = platform.client(), platform.account_id
    d1 = client.d1.database.create(account_id=account, name=name)
    r2 = client.r2.buckets.create(account_id=account, name=name)
    return [
        namespace_binding(create_namespace(platform, name)),
        {"type": "d1", "name": "DB", "id": d1.uuid},
        {"type": "r2_bucket", "name": "BUCKET", "bucket_name": r2.name},
    ]


def test_a_worker_uses_all_resources_and_they_survive_the_platform(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    deploy_worker(first, "stores", STORES, *provision(first, "stores"))
    written = first.fetch("stores", "/a", method="PUT", content="kept")
    first.kill()

    second = start_platform(tmp_path)
    read = second.fetch("stores", "/a")
    second.running.stop()

    assert written.json() == read.json() == {"kv": "kept", "d1": "kept", "r2": "kept"}


def test_resources_are_listed_with_their_names(platform: Platform) -> None:
    kv, d1, r2 = provision(platform, "by-name")
    client, account = platform.client(), platform.account_id

    titles = {
        namespace.title: namespace.id for namespace in client.kv.namespaces.list(account_id=account)
    }
    databases = {
        database.name: database.uuid for database in client.d1.database.list(account_id=account)
    }
    buckets = client.r2.buckets.list(account_id=account, per_page=1000).buckets or []

    assert (titles["by-name"], databases["by-name"]) == (kv["namespace_id"], d1["id"])
    assert r2["bucket_name"] in [bucket.name for bucket in buckets]


def test_namespaces_are_listed_in_the_requested_order(platform: Platform) -> None:
    for letter in "bca":
        create_namespace(platform, f"order-{letter}")

    def titles(**query: str) -> list[str]:
        path = "storage/kv/namespaces"
        result = platform.api("GET", path, params={"per_page": "1000", **query}).json()["result"]
        return [item["title"] for item in result if item["title"].startswith("order-")]

    assert titles() == ["order-b", "order-c", "order-a"]
    assert titles(order="title") == ["order-a", "order-b", "order-c"]
    assert titles(order="title", direction="desc") == ["order-c", "order-b", "order-a"]


def test_resources_are_read_and_deleted(platform: Platform) -> None:
    kv, d1, r2 = provision(platform, "short-lived")
    client, account = platform.client(), {"account_id": platform.account_id}
    kinds: list[tuple[Any, Any]] = [
        (client.kv.namespaces, kv["namespace_id"]),
        (client.d1.database, d1["id"]),
        (client.r2.buckets, r2["bucket_name"]),
    ]

    for resource, name in kinds:
        assert resource.get(name, **account) is not None
        resource.delete(name, **account)
        with pytest.raises(cloudflare.NotFoundError):
            resource.get(name, **account)


def test_a_name_is_unique(platform: Platform) -> None:
    provision(platform, "unique-name")

    with pytest.raises(cloudflare.BadRequestError):
        platform.client().kv.namespaces.create(account_id=platform.account_id, title="unique-name")


def test_a_bound_resource_is_not_deleted(platform: Platform) -> None:
    kv, *_ = provision(platform, "bound")
    deploy_worker(platform, "holder", HELLO, kv)

    response = platform.api("DELETE", f"storage/kv/namespaces/{kv['namespace_id']}")

    assert response.status_code == 400
    assert '"holder"' in response.json()["errors"][0]["message"]


def test_values_of_a_namespace_are_accessible_without_a_worker(platform: Platform) -> None:
    kv, *_ = provision(platform, "values")
    values: Any = platform.client().kv.namespaces.values
    namespace = {"account_id": platform.account_id, "namespace_id": str(kv["namespace_id"])}

    values.update("a/b", **namespace, value=b"text")
    read = values.get("a/b", **namespace).read()
    keys = platform.client().kv.namespaces.keys.list(
        namespace["namespace_id"], account_id=platform.account_id
    )

    assert read == b"text"
    assert [key.name for key in keys] == ["a/b"]


def test_a_database_is_queried_without_a_worker(platform: Platform) -> None:
    _, d1, _ = provision(platform, "queried")
    query = partial(
        platform.client().d1.database.query, str(d1["id"]), account_id=platform.account_id
    )

    query(sql="CREATE TABLE t (n INTEGER)")
    query(sql="INSERT INTO t VALUES (?)", params=["7"])
    result = next(iter(query(sql="SELECT n FROM t")))

    assert result.results == [{"n": 7}]


def test_an_invalid_query_is_a_bad_request(platform: Platform) -> None:
    _, d1, _ = provision(platform, "wrong-query")

    with pytest.raises(cloudflare.BadRequestError, match="no such table"):
        platform.client().d1.database.query(
            str(d1["id"]), account_id=platform.account_id, sql="SELECT * FROM missing"
        )
