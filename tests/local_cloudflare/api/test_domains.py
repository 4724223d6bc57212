"""Custom domains: hosts that are a Worker's whole."""

from __future__ import annotations

from typing import Any

import cloudflare
import httpx
import pytest

from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.local_cloudflare.support.zones import (
    create_record,
    create_route,
    create_zone,
    error_codes,
    fetch_host,
)
from tests.support.platform_fixture import Platform


def attach(platform: Platform, hostname: str, service: str) -> Any:
    domains = platform.client().workers.domains
    return domains.update(account_id=platform.account_id, hostname=hostname, service=service)


def changeset(platform: Platform, worker: str, *hostnames: str) -> dict[str, list[str]]:
    path = f"workers/scripts/{worker}/domains/changeset?replace_state=true"
    body = [{"hostname": hostname} for hostname in hostnames]
    told = platform.api("POST", path, json=body).json()["result"]
    return {kind: [domain["hostname"] for domain in all_] for kind, all_ in told.items()}


def publish(
    platform: Platform, worker: str, *hostnames: str, override: bool = True
) -> httpx.Response:
    body = {
        "override_scope": True,
        "override_existing_origin": override,
        "override_existing_dns_record": override,
        "origins": [{"hostname": hostname} for hostname in hostnames],
    }
    return platform.api("PUT", f"workers/scripts/{worker}/domains/records", json=body)


def test_a_domain_answers_and_makes_its_record(platform: Platform) -> None:
    deploy_worker(platform, "domain-one", HELLO)
    zone = create_zone(platform, "answers.example")

    made = attach(platform, "app.answers.example", "domain-one")

    assert (made.zone_id, made.environment) == (zone, "production")
    assert fetch_host(platform, "app.answers.example", "/any").text == "hello"
    (record,) = platform.client().dns.records.list(zone_id=zone)
    assert (record.name, record.type, record.proxied) == ("app.answers.example", "AAAA", True)
    with pytest.raises(cloudflare.BadRequestError):
        platform.client().dns.records.delete(record.id, zone_id=zone)


def test_a_domain_is_listed_read_and_deleted_with_its_record(platform: Platform) -> None:
    deploy_worker(platform, "domain-two", HELLO)
    zone = create_zone(platform, "deleted.example")
    made = attach(platform, "deleted.example", "domain-two")
    domains, account = platform.client().workers.domains, platform.account_id

    listed = [found.id for found in domains.list(account_id=account, service="domain-two")]
    read = domains.get(made.id, account_id=account)
    domains.delete(made.id, account_id=account)

    assert read is not None
    assert (listed, read.hostname) == ([made.id], "deleted.example")
    assert fetch_host(platform, "deleted.example").status_code == 421
    assert list(platform.client().dns.records.list(zone_id=zone)) == []


def test_a_route_goes_before_a_domain(platform: Platform) -> None:
    for name in ("behind", "before"):
        deploy_worker(platform, f"domain-{name}", HELLO.replace("hello", name))
    zone = create_zone(platform, "both.example")
    attach(platform, "both.example", "domain-behind")
    create_route(platform, zone, "both.example/api/*", "domain-before")

    assert fetch_host(platform, "both.example", "/api/x").text == "before"
    assert fetch_host(platform, "both.example", "/x").text == "behind"


def test_the_host_of_another_worker_moves_only_when_told(platform: Platform) -> None:
    for name in ("first", "second"):
        deploy_worker(platform, f"domain-{name}", HELLO.replace("hello", name))
    create_zone(platform, "moves.example")
    attach(platform, "moves.example", "domain-first")

    told = changeset(platform, "domain-second", "moves.example")
    kept = publish(platform, "domain-second", "moves.example", override=False)
    publish(platform, "domain-second", "moves.example")

    assert told == {"added": [], "removed": [], "updated": ["moves.example"], "conflicting": []}
    assert (kept.status_code, error_codes(kept)) == (409, [100116])
    assert fetch_host(platform, "moves.example").text == "second"


def test_a_record_of_somebody_else_is_never_replaced(platform: Platform) -> None:
    deploy_worker(platform, "domain-clash", HELLO)
    zone = create_zone(platform, "clash.example")
    create_record(platform, zone, name="clash.example")

    told = changeset(platform, "domain-clash", "clash.example")
    refused = publish(platform, "domain-clash", "clash.example")

    assert told["conflicting"] == ["clash.example"]
    assert (refused.status_code, error_codes(refused)) == (409, [100117])


def test_what_is_not_named_any_more_goes(platform: Platform) -> None:
    deploy_worker(platform, "domain-swap", HELLO)
    create_zone(platform, "swap.example")
    publish(platform, "domain-swap", "a.swap.example", "b.swap.example")

    told = changeset(platform, "domain-swap", "b.swap.example")
    publish(platform, "domain-swap", "b.swap.example")

    assert told["removed"] == ["a.swap.example"]
    answers = [fetch_host(platform, f"{name}.swap.example").status_code for name in "ab"]
    assert answers == [421, 200]


def test_a_deleted_worker_takes_its_domains_along(platform: Platform) -> None:
    deploy_worker(platform, "domain-gone", HELLO)
    zone = create_zone(platform, "left.example")
    attach(platform, "left.example", "domain-gone")

    platform.api("DELETE", "workers/scripts/domain-gone")

    assert fetch_host(platform, "left.example").status_code == 421
    assert list(platform.client().dns.records.list(zone_id=zone)) == []
