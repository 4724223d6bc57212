"""Zones, routes and DNS records for tests of the platform."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.plain_http import request
from tests.support.platform_fixture import Platform


def create_zone(platform: Platform, name: str) -> str:
    """Create the zone through the SDK; return its id."""
    zone = platform.client().zones.create(account={"id": platform.account_id}, name=name)
    assert zone is not None
    return zone.id


def create_route(platform: Platform, zone: str, pattern: str, script: str) -> str:
    route = platform.client().workers.routes.create(zone_id=zone, pattern=pattern, script=script)
    assert route is not None
    return route.id


def create_record(platform: Platform, zone: str, **fields: Any) -> Any:
    """Create a DNS record: an address, unless the fields name something else."""
    records: Any = platform.client().dns.records
    return records.create(zone_id=zone, **{"type": "A", "content": "192.0.2.1", "ttl": 1} | fields)


def route_patterns(platform: Platform, zone: str) -> dict[str, str | None]:
    """Return the zone's routes: each pattern with its Worker."""
    listed = platform.client().workers.routes.list(zone_id=zone)
    return {route.pattern: route.script for route in listed}


def fetch_host(platform: Platform, host: str, path: str = "/") -> httpx.Response:
    """Send a request as if the host name resolved to this machine."""
    url = f"http://127.0.0.1:{platform.port}{path}"
    return request("GET", url, headers={"host": host})
