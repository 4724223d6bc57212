"""Domains for the platform's tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.platform_fixture import Platform


def create_zone(platform: Platform, name: str) -> str:
    """Make the zone through the SDK; return its id."""
    zone = platform.client().zones.create(account={"id": platform.account_id}, name=name)
    assert zone is not None
    return zone.id


def create_route(platform: Platform, zone: str, pattern: str, script: str) -> str:
    route = platform.client().workers.routes.create(zone_id=zone, pattern=pattern, script=script)
    assert route is not None
    return route.id


def create_record(platform: Platform, zone: str, **wanted: Any) -> Any:
    """Add an address to a zone's DNS, or what is asked for instead."""
    records: Any = platform.client().dns.records
    return records.create(zone_id=zone, **{"type": "A", "content": "192.0.2.1", "ttl": 1} | wanted)


def route_patterns(platform: Platform, zone: str) -> dict[str, str | None]:
    """Return the zone's routes: which Worker has which pattern."""
    listed = platform.client().workers.routes.list(zone_id=zone)
    return {route.pattern: route.script for route in listed}


def fetch_host(platform: Platform, host: str, path: str = "/") -> httpx.Response:
    """Ask as one does whose system takes the host for this one."""
    url = f"http://127.0.0.1:{platform.port}{path}"
    return httpx.get(url, headers={"host": host}, timeout=30)


def error_codes(answer: httpx.Response) -> list[int]:
    return [error["code"] for error in answer.json()["errors"]]
