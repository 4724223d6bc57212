"""The objects of R2 buckets, through the API and wrangler."""

from __future__ import annotations

from typing import Any

import cloudflare
import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform, error_codes

CONTENT = bytes(range(256))


class Bucket:
    """A bucket of the test, used through the official SDK."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.name = name
        self.owner = {"account_id": platform.account_id, "bucket_name": name}
        self.objects: Any = platform.client().r2.buckets.objects
        platform.client().r2.buckets.create(account_id=platform.account_id, name=name)

    def put(self, key: str, content: bytes = CONTENT, **more: Any) -> Any:
        return self.objects.upload(key, content, **self.owner, **more)

    def keys(self, **query: Any) -> list[str]:
        return [
            item.key
            for item in self.objects.list(self.name, account_id=self.owner["account_id"], **query)
        ]

    def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        return self.platform.api(method, f"r2/buckets/{self.name}{path}", **more)


@pytest.fixture(scope="module")
def bucket(platform: Platform) -> Bucket:
    """A bucket that all tests share; each has its own keys."""
    return Bucket(platform, "objects")


def test_an_object_is_put_read_and_deleted(bucket: Bucket) -> None:
    stored = bucket.put("a/b c.bin")

    read = bucket.objects.get("a/b c.bin", **bucket.owner)
    bucket.objects.delete("a/b c.bin", **bucket.owner)

    assert (stored.key, stored.size) == ("a/b c.bin", "256")
    assert read.read() == CONTENT
    assert read.headers["etag"] == f'"{stored.etag}"'
    with pytest.raises(cloudflare.NotFoundError) as missing:
        bucket.objects.get("a/b c.bin", **bucket.owner)
    assert error_codes(missing.value.response) == [10007]


def test_the_headers_of_an_object_are_kept(bucket: Bucket) -> None:
    headers = {"content-type": "text/csv", "cache-control": "no-store", "expires": "0"}
    bucket.call("PUT", "/objects/t.csv", content=b"a,b", headers=headers)

    head = bucket.call("HEAD", "/objects/t.csv")

    assert (head.content, head.headers["content-length"]) == (b"", "3")
    assert (head.headers["content-type"], head.headers["cache-control"]) == ("text/csv", "no-store")


def test_a_part_of_an_object_is_read(bucket: Bucket) -> None:
    etag = bucket.put("whole").etag

    part = bucket.call("GET", "/objects/whole", headers={"range": "bytes=2-4"})
    unchanged = bucket.call("GET", "/objects/whole", headers={"if-none-match": f'"{etag}"'})

    assert (part.status_code, part.content) == (206, CONTENT[2:5])
    assert part.headers["content-range"] == "bytes 2-4/256"
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_body_without_a_length_is_stored(bucket: Bucket) -> None:
    response = bucket.call("PUT", "/objects/chunks", content=iter([b"one", b"two"]))

    assert response.json()["result"]["size"] == "6"
    assert bucket.call("GET", "/objects/chunks").content == b"onetwo"


def test_objects_are_listed_by_page_prefix_and_folder(bucket: Bucket) -> None:
    keys = ["list/a/1", "list/a/2", "list/b/1", "list/c"]
    for key in keys:
        bucket.put(key, b"")

    assert bucket.keys(prefix="list/", per_page=3) == keys
    assert bucket.keys(prefix="list/a/") == keys[:2]
    assert bucket.keys(prefix="list/", start_after=keys[1]) == keys[2:]
    page = bucket.call("GET", "/objects?prefix=list/&delimiter=/").json()
    assert [item["key"] for item in page["result"]] == ["list/c"]
    assert page["result_info"]["delimited"] == ["list/a/", "list/b/"]


def test_a_name_that_r2_refuses_is_a_bad_request(bucket: Bucket) -> None:
    response = bucket.call("PUT", f"/objects/{'k' * 1025}", content=b"")

    assert (response.status_code, error_codes(response)) == (400, [10020])


def test_a_bucket_with_objects_is_not_deleted(platform: Platform) -> None:
    bucket = Bucket(platform, "not-empty")
    bucket.put("last")

    refused = bucket.call("DELETE")
    bucket.objects.delete("last", **bucket.owner)

    assert (refused.status_code, error_codes(refused)) == (409, [10008])
    assert bucket.call("DELETE").status_code == 200


def test_a_missing_bucket_has_no_objects(platform: Platform) -> None:
    response = platform.api("PUT", "r2/buckets/missing-bucket/objects/a", content=b"")

    assert (response.status_code, error_codes(response)) == (404, [10006])


@pytest.mark.parametrize(
    ("header", "value"),
    [("cf-r2-jurisdiction", "eu"), ("cf-r2-storage-class", "InfrequentAccess")],
)
def test_a_place_that_the_platform_lacks_is_refused(
    platform: Platform, header: str, value: str
) -> None:
    response = platform.api("PUT", "r2/buckets/objects/objects/a", headers={header: value})

    assert response.status_code == 501
    assert f'"{value}"' in response.json()["errors"][0]["message"]


def test_buckets_are_listed_by_page_and_order(platform: Platform) -> None:
    for letter in "bac":
        Bucket(platform, f"paged-{letter}")
    query = {"name_contains": "paged-", "per_page": "2", "direction": "desc"}

    first = platform.api("GET", "r2/buckets", params=query).json()
    cursor = first["result_info"]["cursor"]
    second = platform.api("GET", "r2/buckets", params=query | {"cursor": cursor}).json()

    pages = [[item["name"] for item in page["result"]["buckets"]] for page in (first, second)]
    assert pages == [["paged-c", "paged-b"], ["paged-a"]]
    assert "cursor" not in second["result_info"]


def test_wrangler_puts_reads_counts_and_deletes_objects(project: Project) -> None:
    bucket = Bucket(project.platform, "by-wrangler")
    (project.folder / "in.bin").write_bytes(CONTENT)
    name = f"{bucket.name}/folder/file.bin"
    remote = ("--remote",)

    put = project.wrangler("r2", "object", "put", name, "--file", "in.bin", *remote)
    get = project.wrangler("r2", "object", "get", name, "--file", "out.bin", *remote)
    info = project.wrangler("r2", "bucket", "info", bucket.name, "--json")
    deleted = project.wrangler("r2", "object", "delete", name, *remote)

    for result in (put, get, info, deleted):
        assert result.exit_code == 0, result.stdout + result.stderr
    assert (project.folder / "out.bin").read_bytes() == CONTENT
    assert '"object_count": "1"' in info.stdout
    assert bucket.keys() == []
