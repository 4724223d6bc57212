"""Zones and what stands in them: DNS records, routes, custom domains; through the official SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cloudflare

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from workflows.ir.deploy.deploy_settings import Route
from workflows.ir.deploy.route_patterns import host_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSite:
    """A route's place on the target: who has the pattern now, and whether its host is proxied.

    `has_zone` tells whether the account has the zone; `dns` is "proxied", "not proxied", "missing",
    or "" where the token may not look.
    """

    pattern: str
    zone: str
    has_zone: bool
    owner: str = ""
    dns: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSite:
    """A custom domain's place: the Worker that has it, and whether a DNS record is in its way."""

    domain: str
    has_zone: bool
    owner: str = ""
    has_record: bool = False


ZONE_READ = "Zone Read"
ROUTES_READ = "Workers Routes Read"
ROUTES_WRITE = "Workers Routes Write"
_PROXIES = ("A", "AAAA", "CNAME")


def zone_id(account: Account, name: str) -> str:
    """Return the id of the account's zone; "" where it has none of this name."""
    with account.explained(f"look for the zone {name}", needs=ZONE_READ):
        zones = account.client.zones.list(name=name, account={"id": account.account_id})
        return next((str(zone.id) for zone in zones if zone.name == name), "")


def zone_of_host(account: Account, host: str) -> str:
    """Return the id of the zone that a host belongs to; "" where the account has none."""
    labels = host.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next(filter(None, (zone_id(account, name) for name in names)), "")


def _seen(account: Account, name: str, *, look: Callable[[Account, str], str]) -> str:
    """Look before a deploy: a zone that the token may not read is told like one that is not there."""
    try:
        return look(account, name)
    except DeployError as refused:
        if refused.cause is not Cause.PERMISSION:
            raise
        return ""


def route_sites(account: Account, routes: Iterable[Route]) -> tuple[RouteSite, ...]:
    """Return the place of each route; a zone is asked once."""
    by_zone: dict[str, list[Route]] = {}
    for route in routes:
        by_zone.setdefault(route.zone, []).append(route)
    return tuple(
        site for zone, mine in by_zone.items() for site in _in_zone(account, zone, routes=mine)
    )


def _in_zone(account: Account, zone: str, *, routes: list[Route]) -> Iterator[RouteSite]:
    id_ = _seen(account, zone, look=zone_id)
    owners = {one.pattern: str(one.script or "") for one in routes_in(account, id_)} if id_ else {}
    for route in routes:
        yield RouteSite(
            pattern=route.pattern,
            zone=zone,
            has_zone=bool(id_),
            owner=owners.get(route.pattern, ""),
            dns=_dns(account, id_, host=host_of(route.pattern)) if id_ else "",
        )


def routes_in(account: Account, zone: str) -> list[Any]:
    """Return the routes of a zone by its id, each with its id, pattern and script."""
    with account.explained("list the zone's routes", needs=ROUTES_READ):
        return list(account.client.workers.routes.list(zone_id=zone))


def _dns(account: Account, zone: str, *, host: str) -> str:
    """Tell whether requests for the host come to Cloudflare: without a record, a wildcard's serves."""
    wildcard = "*." + host.partition(".")[2]
    found = _records(account, zone, host)
    if found == []:
        found = _records(account, zone, wildcard)
    if found is None:
        return ""
    if not found:
        return "missing"
    return "proxied" if any(one.proxied for one in found) else "not proxied"


def _records(account: Account, zone: str, name: str) -> list[Any] | None:
    """Return the records of exactly this name; None where the token may not look."""
    with account.explained("read the zone's DNS records"):
        try:
            listed: Any = account.client.dns.records.list(zone_id=zone, name={"exact": name})
            return [one for one in listed if one.type in _PROXIES]
        except (cloudflare.PermissionDeniedError, cloudflare.AuthenticationError):
            return None


def domain_sites(account: Account, domains: Iterable[str]) -> tuple[DomainSite, ...]:
    """Return the place of each custom domain."""
    return tuple(_domain(account, domain) for domain in domains)


def _domain(account: Account, domain: str) -> DomainSite:
    id_ = _seen(account, domain, look=zone_of_host)
    if not id_:
        return DomainSite(domain=domain, has_zone=False)
    owner = next((str(one.service) for one in find_domains(account, domain)), "")
    has_record = not owner and bool(_records(account, id_, domain))  # a wildcard's is in no way
    return DomainSite(domain=domain, has_zone=True, owner=owner, has_record=has_record)


def find_domains(account: Account, hostname: str) -> list[Any]:
    """Return the custom domain of this name, with its id and its Worker, if there is one."""
    with account.explained(f"look for the custom domain {hostname}", needs=ROUTES_READ):
        listed = account.client.workers.domains.list(
            account_id=account.account_id, hostname=hostname
        )
        return [one for one in listed if one.hostname == hostname]


def domains_of_worker(account: Account, worker: str) -> list[Any]:
    """Return all custom domains of a Worker."""
    with account.explained("list the Worker's custom domains", needs=ROUTES_READ):
        listed = account.client.workers.domains.list(account_id=account.account_id, service=worker)
        return [one for one in listed if one.service == worker]


def required_zone(account: Account, name: str) -> str:
    """Return the zone's id; raises DeployError where there is none."""
    found = zone_id(account, name)
    if not found:
        raise DeployError(f"The account has no zone {name}.", cause=Cause.ROUTING)
    return found
