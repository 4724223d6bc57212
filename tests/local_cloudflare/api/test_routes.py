"""Routes: which Worker serves which host and path of a zone."""

from __future__ import annotations

import cloudflare
import pytest

from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.local_cloudflare.support.zones import (
    create_route,
    create_zone,
    fetch_host,
    route_patterns,
)
from tests.support.platform_fixture import Platform, error_codes


def hello_with(word: str) -> str:
    return HELLO.replace("hello", word)


@pytest.fixture(scope="module")
def zone(platform: Platform) -> str:
    zone = create_zone(platform, "routed.example")
    for name in ("near", "far"):
        deploy_worker(platform, f"routes-{name}", hello_with(name))
    create_route(platform, zone, "*.routed.example/*", "routes-far")
    create_route(platform, zone, "https://www.routed.example/near*", "routes-near")
    create_route(platform, zone, "www.routed.example/near/exact", "routes-far")
    create_route(platform, zone, "*routed.example/all", "routes-near")
    return zone


@pytest.mark.parametrize(
    ("host", "path", "word"),
    [
        ("any.routed.example", "/x", "far"),
        ("www.routed.example:80", "/x", "far"),
        ("WWW.routed.example", "/near", "near"),
        ("www.routed.example", "/nearer?query", "near"),
        ("www.routed.example", "/near/exact", "far"),
        ("routed.example", "/all", "near"),
    ],
)
def test_the_most_specific_pattern_wins(
    platform: Platform, zone: str, host: str, path: str, word: str
) -> None:
    assert fetch_host(platform, host, path).text == word


@pytest.mark.parametrize("host", ["routed.example", "evilrouted.example", "routed.example.evil"])
def test_a_host_without_a_matching_pattern_is_refused(
    platform: Platform, zone: str, host: str
) -> None:
    assert fetch_host(platform, host, "/x").status_code == 421


def test_a_route_does_not_reach_the_api(platform: Platform, zone: str) -> None:
    response = fetch_host(platform, "any.routed.example", "/client/v4/accounts")

    assert response.text == "far"


def test_a_route_is_read_changed_and_deleted(platform: Platform) -> None:
    deploy_worker(platform, "routes-changed", HELLO)
    zone = create_zone(platform, "changed.example")
    routes = platform.client().workers.routes
    route = create_route(platform, zone, "changed.example/a", "routes-changed")

    routes.update(route, zone_id=zone, pattern="changed.example/b", script="routes-changed")
    read = routes.get(route, zone_id=zone)
    moved = [fetch_host(platform, "changed.example", path).status_code for path in ("/a", "/b")]
    routes.delete(route, zone_id=zone)

    assert read is not None
    assert (read.pattern, read.script) == ("changed.example/b", "routes-changed")
    assert (moved, route_patterns(platform, zone)) == ([421, 200], {})


def test_a_pattern_has_one_worker(platform: Platform, zone: str) -> None:
    with pytest.raises(cloudflare.ConflictError) as refused:
        create_route(platform, zone, "*.routed.example/*", "routes-near")

    assert error_codes(refused.value.response) == [10020]


@pytest.mark.parametrize(
    ("pattern", "script", "code"),
    [
        ("routed.example/*", "missing", 10019),
        ("other.example/*", "routes-near", 10022),
        ("routed.example/a*b", "routes-near", 10022),
        ("*/*", "routes-near", 10022),
    ],
)
def test_an_invalid_route_is_refused(
    platform: Platform, zone: str, pattern: str, script: str, code: int
) -> None:
    with pytest.raises(cloudflare.BadRequestError) as refused:
        create_route(platform, zone, pattern, script)

    assert error_codes(refused.value.response) == [code]


def test_a_route_without_a_worker_excludes_a_path(platform: Platform, zone: str) -> None:
    routes = platform.client().workers.routes

    created = routes.create(zone_id=zone, pattern="any.routed.example/closed")

    assert created is not None
    assert fetch_host(platform, "any.routed.example", "/closed").status_code == 421
    assert fetch_host(platform, "any.routed.example", "/open").text == "far"


def test_deleting_a_worker_deletes_its_routes(platform: Platform) -> None:
    deploy_worker(platform, "routes-deleted", HELLO)
    zone = create_zone(platform, "deleted-worker.example")
    create_route(platform, zone, "deleted-worker.example/*", "routes-deleted")

    platform.api("DELETE", "workers/scripts/routes-deleted")

    assert route_patterns(platform, zone) == {}
    assert fetch_host(platform, "deleted-worker.example").status_code == 421


def test_disabling_workers_dev_affects_only_the_workers_own_host(platform: Platform) -> None:
    deploy_worker(
        platform, "routes-only", "export default { fetch: () => new Response(), scheduled() {} }"
    )
    zone = create_zone(platform, "only.example")
    create_route(platform, zone, "only.example/*", "routes-only")

    platform.api("POST", "workers/scripts/routes-only/subdomain", json={"enabled": False})

    response = platform.fetch("routes-only")
    assert (response.status_code, "workers_dev disabled" in response.text) == (404, True)
    assert fetch_host(platform, "only.example").status_code == 200
    assert platform.fetch("routes-only", "/cdn-cgi/handler/scheduled").text == "ok"
