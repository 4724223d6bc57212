"""Custom domains: hosts whose every path belongs to one Worker."""

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
    fetch_host,
)
from tests.support.platform_fixture import Platform, error_codes


def attach(platform: Platform, hostname: str, service: str) -> Any:
    domains = platform.client().workers.domains
    return domains.update(account_id=platform.account_id, hostname=hostname, service=service)


def changeset(platform: Platform, worker: str, *hostnames: str) -> dict[str, list[str]]:
    path = f"workers/scripts/{worker}/domains/changeset?replace_state=true"
    body = [{"hostname": hostname} for hostname in hostnames]
    changes = platform.api("POST", path, json=body).json()["result"]
    return {kind: [domain["hostname"] for domain in domains] for kind, domains in changes.items()}


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


def test_a_domain_serves_its_worker_and_creates_its_record(platform: Platform) -> None:
    deploy_worker(platform, "domain-one", HELLO)
    zone = create_zone(platform, "answers.example")

    domain = attach(platform, "app.answers.example", "domain-one")

    assert (domain.zone_id, domain.environment) == (zone, "production")
    assert fetch_host(platform, "app.answers.example", "/any").text == "hello"
    (record,) = platform.client().dns.records.list(zone_id=zone)
    assert (record.name, record.type, record.proxied) == ("app.answers.example", "AAAA", True)
    with pytest.raises(cloudflare.BadRequestError):
        platform.client().dns.records.delete(record.id, zone_id=zone)


def test_a_domain_is_listed_read_and_deleted_with_its_record(platform: Platform) -> None:
    deploy_worker(platform, "domain-two", HELLO)
    zone = create_zone(platform, "deleted.example")
    domain = attach(platform, "deleted.example", "domain-two")
    domains, account = platform.client().workers.domains, platform.account_id

    listed = [domain.id for domain in domains.list(account_id=account, service="domain-two")]
    read = domains.get(domain.id, account_id=account)
    domains.delete(domain.id, account_id=account)

    assert read is not None
    assert (listed, read.hostname) == ([domain.id], "deleted.example")
    assert fetch_host(platform, "deleted.example").status_code == 421
    assert list(platform.client().dns.records.list(zone_id=zone)) == []


def test_a_route_takes_precedence_over_a_domain(platform: Platform) -> None:
    for name in ("behind", "before"):
        deploy_worker(platform, f"domain-{name}", HELLO.replace("hello", name))
    zone = create_zone(platform, "both.example")
    attach(platform, "both.example", "domain-behind")
    create_route(platform, zone, "both.example/api/*", "domain-before")

    assert fetch_host(platform, "both.example", "/api/x").text == "before"
    assert fetch_host(platform, "both.example", "/x").text == "behind"


def test_the_host_of_another_worker_moves_only_with_override(platform: Platform) -> None:
    for name in ("first", "second"):
        deploy_worker(platform, f"domain-{name}", HELLO.replace("hello", name))
    create_zone(platform, "moves.example")
    attach(platform, "moves.example", "domain-first")

    changes = changeset(platform, "domain-second", "moves.example")
    refused = publish(platform, "domain-second", "moves.example", override=False)
    publish(platform, "domain-second", "moves.example")

    assert changes == {"added": [], "removed": [], "updated": ["moves.example"], "conflicting": []}
    assert (refused.status_code, error_codes(refused)) == (409, [100116])
    assert fetch_host(platform, "moves.example").text == "second"


def test_a_foreign_dns_record_is_never_replaced(platform: Platform) -> None:
    deploy_worker(platform, "domain-clash", HELLO)
    zone = create_zone(platform, "clash.example")
    create_record(platform, zone, name="clash.example")

    changes = changeset(platform, "domain-clash", "clash.example")
    refused = publish(platform, "domain-clash", "clash.example")

    assert changes["conflicting"] == ["clash.example"]
    assert (refused.status_code, error_codes(refused)) == (409, [100117])


def test_a_host_that_is_no_longer_listed_is_removed(platform: Platform) -> None:
    deploy_worker(platform, "domain-swap", HELLO)
    create_zone(platform, "swap.example")
    publish(platform, "domain-swap", "a.swap.example", "b.swap.example")

    changes = changeset(platform, "domain-swap", "b.swap.example")
    publish(platform, "domain-swap", "b.swap.example")

    assert changes["removed"] == ["a.swap.example"]
    statuses = [fetch_host(platform, f"{name}.swap.example").status_code for name in "ab"]
    assert statuses == [421, 200]


def test_deleting_a_worker_deletes_its_domains(platform: Platform) -> None:
    deploy_worker(platform, "domain-deleted", HELLO)
    zone = create_zone(platform, "left.example")
    attach(platform, "left.example", "domain-deleted")

    platform.api("DELETE", "workers/scripts/domain-deleted")

    assert fetch_host(platform, "left.example").status_code == 421
    assert list(platform.client().dns.records.list(zone_id=zone)) == []
