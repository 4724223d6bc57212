"""Names and keys that clients choose: unusable ones are refused, and nothing is changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.local_cloudflare.support.queues import create_queue
from tests.local_cloudflare.support.workers import (
    HELLO,
    create_namespace,
    deploy_worker,
    upload,
)
from tests.local_cloudflare.support.zones import create_record, create_zone
from tests.support.platform_fixture import Platform

VARIABLE = {"type": "plain_text", "text": "x"}
KV = "storage/kv/namespaces"
MODULE = "application/javascript+module"


def refusal(response: httpx.Response) -> str:
    """Return the error of a call that is refused."""
    assert 400 <= response.status_code < 500, response.text
    return str(response.json()["errors"][0]["message"])


def start_assets(platform: Platform, *paths: str) -> httpx.Response:
    manifest = {path: {"hash": f"{number:032x}", "size": 1} for number, path in enumerate(paths)}
    body = json.dumps({"manifest": manifest})
    return platform.api("POST", "workers/scripts/site/assets-upload-session", content=body)


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["/a/b", "/a"], id="file and folder"),
        pytest.param(["/a b", "/a%20b"], id="same file"),
        pytest.param(["/" + "é" * 128], id="long name"),
        pytest.param(["/" + "a" * 255 + "/b" * 1500], id="long path"),
        pytest.param(["/a//b"], id="empty name"),
        pytest.param(["/a/%2e%2e/b"], id="parent folder"),
        pytest.param(["/a%2Fb"], id="encoded slash"),
        pytest.param(["/a%0Ab"], id="control character"),
        pytest.param(["/\ud800"], id="half a character"),
        pytest.param(["/_headers"], id="headers"),
        pytest.param(["/.assetsignore"], id="ignored files"),
    ],
)
def test_paths_of_static_files_that_cannot_be_files_are_refused(
    platform: Platform, paths: list[str]
) -> None:
    message = refusal(start_assets(platform, "/other", *paths))

    assert paths[-1][:50].replace("\ud800", r"\ud800") in message


def test_paths_of_static_files_at_the_limits_are_accepted(platform: Platform) -> None:
    paths = ["/" + "é" * 127, "/a/_headers", "/a/b", "/ab", "/A/b", "/" + "x" * 255 + "/y"]

    assert start_assets(platform, *paths).status_code == 200


@pytest.fixture(scope="module")
def namespace(platform: Platform) -> str:
    return create_namespace(platform, "names")


@pytest.mark.parametrize(
    "pair",
    [
        {"key": "k" * 513, "value": "v"},
        {"key": "..", "value": "v"},
        {"key": 5, "value": "v"},
        {"key": "k", "value": 5},
        {"key": "k", "value": "v", "expiration_ttl": 59},
        {"key": "k", "value": "v", "metadata": "m" * 1023},
        None,
    ],
    ids=["long", "dots", "number", "value", "expiration", "metadata", "null"],
)
def test_one_invalid_pair_prevents_all_pairs_from_being_written(
    platform: Platform, namespace: str, pair: dict[str, Any] | None
) -> None:
    pairs = [{"key": "good", "value": "v"}, pair]

    refusal(platform.api("PUT", f"{KV}/{namespace}/bulk", json=pairs))

    assert platform.api("GET", f"{KV}/{namespace}/values/good").status_code == 404


def test_keys_at_the_limit_are_accepted(platform: Platform, namespace: str) -> None:
    path = f"{KV}/{namespace}/values/"
    longest = "é" * 256

    assert platform.api("PUT", path + quote(longest), content=b"v").status_code == 200
    for method in ("PUT", "GET", "DELETE"):
        too_long = platform.api(method, path + quote(longest + "x"))
        assert "exceeds key length limit of 512" in refusal(too_long)


def test_keys_of_objects_are_any_text_of_1024_bytes(platform: Platform) -> None:
    platform.api("POST", "r2/buckets", json={"name": "names"})
    path = "r2/buckets/names/objects/"

    for key in ("é" * 512, "a/%2E%2E/b", "%0A"):
        assert platform.api("PUT", path + key, content=b"v").status_code == 200
        assert platform.api("GET", path + key).text == "v"
    for method in ("PUT", "GET", "DELETE"):
        assert "name is not valid" in refusal(platform.api(method, path + "x" * 1025))


@pytest.mark.parametrize("name", [5, ["x"], "a\nb", "x" * 513, "\ud800", ""])
@pytest.mark.parametrize(
    ("path", "field"),
    [(KV, "title"), ("d1/database", "name"), ("queues", "queue_name"), ("r2/buckets", "name")],
)
def test_names_of_resources_that_are_not_text_on_one_line_are_refused(
    platform: Platform, path: str, field: str, name: object
) -> None:
    before = platform.api("GET", path).json()["result"]

    refusal(platform.api("POST", path, content=json.dumps({field: name})))

    assert platform.api("GET", path).json()["result"] == before


def test_an_export_of_a_database_with_any_name_can_be_downloaded(platform: Platform) -> None:
    body = {"name": 'a "quoted" ../né'}
    database = platform.api("POST", "d1/database", json=body).json()["result"]["uuid"]
    path = f"d1/database/{database}/export"
    bookmark = platform.api("POST", path, json={}).json()["result"]["at_bookmark"]

    result = platform.api("POST", path, json={"current_bookmark": bookmark}).json()["result"]

    download = httpx.get(result["signed_url"])
    assert f'filename="{result["filename"]}"' in download.headers["content-disposition"]
    assert result["filename"].startswith("a__quoted__.._n_-")


@pytest.mark.parametrize(
    "bindings",
    [
        [VARIABLE],
        [VARIABLE | {"name": ""}],
        [VARIABLE | {"name": 5}],
        [VARIABLE | {"name": "A"}] * 2,
        [{"type": "plain_text", "name": "A"}],
        [{"type": "plain_text", "name": "A", "text": 5}],
        [{"type": "workflow", "name": "A", "workflow_name": "../x", "class_name": "Flow"}],
        [{"type": "workflow", "name": "A", "workflow_name": "x" * 65, "class_name": "Flow"}],
        [None],
        5,
    ],
    ids=str,
)
def test_bindings_that_cannot_be_used_are_refused(platform: Platform, bindings: Any) -> None:
    deploy_worker(platform, "refuses-bindings", HELLO)
    before = platform.api("GET", "workers/scripts/refuses-bindings/versions").json()["result"]
    metadata = {"main_module": "worker.js", "bindings": bindings}
    files = {"metadata": (None, json.dumps(metadata)), "worker.js": ("worker.js", HELLO, MODULE)}

    refusal(platform.api("PUT", "workers/scripts/refuses-bindings", files=files))
    changes = {"bindings": bindings, "tags": ["changed"]}
    refusal(platform.api("PATCH", "workers/scripts/refuses-bindings/settings", json=changes))

    assert (
        platform.api("GET", "workers/scripts/refuses-bindings/versions").json()["result"] == before
    )
    assert (
        platform.api("GET", "workers/scripts/refuses-bindings/settings").json()["result"]["tags"]
        == []
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("main_module", 5),
        ("compatibility_flags", "x"),
        ("tags", 5),
        ("annotations", 5),
        ("assets", {"jwt": 5}),
        ("migrations", {"new_classes": 5}),
    ],
)
def test_metadata_of_the_wrong_type_is_refused(
    platform: Platform, field: str, value: object
) -> None:
    metadata = {"main_module": "worker.js", field: value}
    files = {"metadata": (None, json.dumps(metadata)), "worker.js": ("worker.js", HELLO, MODULE)}

    refusal(platform.api("PUT", "workers/scripts/never", files=files))

    assert platform.api("GET", "workers/scripts/never/versions").status_code == 404


@pytest.mark.parametrize("name", ["a\nb.js", "__proto__"])
def test_names_of_modules_that_cannot_be_used_are_refused(platform: Platform, name: str) -> None:
    assert json.dumps(name) in refusal(upload(platform, "never", HELLO, module=name))


def test_modules_must_have_different_names(platform: Platform) -> None:
    parts = [
        ("metadata", (None, json.dumps({"main_module": "worker.js"}))),
        ("first", ("worker.js", HELLO, MODULE)),
        ("second", ("./worker.js", HELLO, MODULE)),
    ]

    message = refusal(platform.api("PUT", "workers/scripts/never", files=parts))

    assert message == 'two modules have the name "./worker.js"'


@pytest.mark.parametrize(
    "config",
    [
        {"_headers": 5},
        {"_headers": "/*\n  X-Kind: a\x00b"},
        {"_redirects": ["/a /b"]},
        {"base_path": 5},
        {"base_path": "docs"},
    ],
    ids=str,
)
def test_settings_of_static_files_that_cannot_be_used_are_refused(
    platform: Platform, config: dict[str, Any]
) -> None:
    session = start_assets(platform).json()["result"]["jwt"]
    metadata = {"assets": {"jwt": session, "config": config}}

    message = refusal(
        platform.api(
            "PUT", "workers/scripts/site", files={"metadata": (None, json.dumps(metadata))}
        )
    )

    assert next(iter(config)) in message
    assert platform.api("GET", "workers/scripts/site/versions").status_code == 404


@pytest.fixture(scope="module")
def objects(platform: Platform) -> dict[str, str]:
    """The paths of objects whose calls are tried with odd bodies."""
    upload(platform, "odd", HELLO)
    zone = create_zone(platform, "odd-bodies.test")
    record = create_record(platform, zone, name="a")
    database = platform.api("POST", "d1/database", json={"name": "odd"}).json()["result"]["uuid"]
    return {
        "worker": "workers/scripts/odd",
        "queue": f"queues/{create_queue(platform, 'odd')}",
        "record": f"../../zones/{zone}/dns_records/{record.id}",
        "database": f"d1/database/{database}",
    }


DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "{worker}/settings", DEEP),
        ("PATCH", "{worker}/script-settings", DEEP),
        ("POST", "{worker}/deployments", '{"versions": 5}'),
        ("POST", "{worker}/deployments", '{"versions": [null]}'),
        ("PUT", "{worker}/schedules", "[null]"),
        ("PUT", "{worker}/routes", "[null]"),
        ("PUT", "{worker}/domains/records", '{"origins": 5}'),
        ("POST", "{worker}/domains/changeset", "[null]"),
        ("PATCH", "{record}", '{"name": 5}'),
        ("POST", "{database}/query", '{"sql": 5}'),
        ("POST", "{database}/query", '{"batch": [null]}'),
        ("POST", "{database}/raw", '{"sql": "SELECT 1", "params": 5}'),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused(
    platform: Platform, objects: dict[str, str], method: str, path: str, body: str
) -> None:
    refusal(platform.api(method, path.format(**objects), content=body))


def test_settings_of_a_queue_may_be_null(platform: Platform, objects: dict[str, str]) -> None:
    assert platform.api("PATCH", objects["queue"], json={"settings": None}).status_code == 200
