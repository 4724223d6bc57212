"""Zones with their DNS records, routes and custom domains."""

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
    """The state of a route's pattern on the target: its current Worker and the host's DNS.

    `has_zone` says whether the account has the zone; `dns` is "proxied", "not proxied", "missing",
    or "" if the token may not read it.
    """

    pattern: str
    zone: str
    has_zone: bool
    owner: str = ""
    dns: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSite:
    """The state of a custom domain: its current Worker, and whether it has a DNS record."""

    domain: str
    has_zone: bool
    owner: str = ""
    has_record: bool = False


ZONE_READ = "Zone Read"
ROUTES_READ = "Workers Routes Read"
ROUTES_WRITE = "Workers Routes Write"
_PROXIABLE = ("A", "AAAA", "CNAME")


def zone_id(account: Account, name: str) -> str:
    """Return the id of the account's zone; "" if it has none with this name."""
    with account.explained(f"look up the zone {name}", needs=ZONE_READ):
        zones = account.client.zones.list(name=name, account={"id": account.account_id})
        return next((str(zone.id) for zone in zones if zone.name == name), "")


def zone_of_host(account: Account, host: str) -> str:
    """Return the id of the host's zone; "" if the account has none."""
    labels = host.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next(filter(None, (zone_id(account, name) for name in names)), "")


def _readable_zone(account: Account, name: str, *, find: Callable[[Account, str], str]) -> str:
    """Return the zone's id; "" if there is none, or if the token may not read zones."""
    try:
        return find(account, name)
    except DeployError as refused:
        if refused.cause is not Cause.PERMISSION:
            raise
        return ""


def route_sites(account: Account, routes: Iterable[Route]) -> tuple[RouteSite, ...]:
    """Return the state of each route; each zone is read once."""
    by_zone: dict[str, list[Route]] = {}
    for route in routes:
        by_zone.setdefault(route.zone, []).append(route)
    return tuple(
        site for zone, group in by_zone.items() for site in _zone_sites(account, zone, routes=group)
    )


def _zone_sites(account: Account, zone: str, *, routes: list[Route]) -> Iterator[RouteSite]:
    id_ = _readable_zone(account, zone, find=zone_id)
    existing = routes_in(account, id_) if id_ else []
    owners = {route.pattern: str(route.script or "") for route in existing}
    for route in routes:
        yield RouteSite(
            pattern=route.pattern,
            zone=zone,
            has_zone=bool(id_),
            owner=owners.get(route.pattern, ""),
            dns=_dns(account, id_, host=host_of(route.pattern)) if id_ else "",
        )


def routes_in(account: Account, zone: str) -> list[Any]:
    """Return the routes of the zone with this id: each has an id, a pattern and a script."""
    with account.explained("list the zone's routes", needs=ROUTES_READ):
        return list(account.client.workers.routes.list(zone_id=zone))


def _dns(account: Account, zone: str, *, host: str) -> str:
    """Return whether requests for the host reach Cloudflare; a wildcard record applies as well."""
    wildcard = "*." + host.partition(".")[2]
    records = _records(account, zone, host)
    if records == []:
        records = _records(account, zone, wildcard)
    if records is None:
        return ""
    if not records:
        return "missing"
    return "proxied" if any(record.proxied for record in records) else "not proxied"


def _records(account: Account, zone: str, name: str) -> list[Any] | None:
    """Return the records of exactly this name; None if the token may not read them."""
    with account.explained("read the zone's DNS records"):
        try:
            listed: Any = account.client.dns.records.list(zone_id=zone, name={"exact": name})
            return [record for record in listed if record.type in _PROXIABLE]
        except (cloudflare.PermissionDeniedError, cloudflare.AuthenticationError):
            return None


def domain_sites(account: Account, domains: Iterable[str]) -> tuple[DomainSite, ...]:
    """Return the state of each custom domain."""
    return tuple(_domain_site(account, domain) for domain in domains)


def _domain_site(account: Account, domain: str) -> DomainSite:
    id_ = _readable_zone(account, domain, find=zone_of_host)
    if not id_:
        return DomainSite(domain=domain, has_zone=False)
    owner = next((str(each.service) for each in find_domains(account, domain)), "")
    has_record = not owner and bool(_records(account, id_, domain))  # a wildcard does no harm
    return DomainSite(domain=domain, has_zone=True, owner=owner, has_record=has_record)


def find_domains(account: Account, hostname: str) -> list[Any]:
    """Return the custom domain with this name, with its id and Worker, as a list of up to one."""
    with account.explained(f"look up the custom domain {hostname}", needs=ROUTES_READ):
        listed = account.client.workers.domains.list(
            account_id=account.account_id, hostname=hostname
        )
        return [each for each in listed if each.hostname == hostname]


def domains_of_worker(account: Account, worker: str) -> list[Any]:
    """Return all custom domains of a Worker."""
    with account.explained("list the Worker's custom domains", needs=ROUTES_READ):
        listed = account.client.workers.domains.list(account_id=account.account_id, service=worker)
        return [each for each in listed if each.service == worker]


def required_zone(account: Account, name: str) -> str:
    """Return the zone's id; raises DeployError if the account has none with this name."""
    id_ = zone_id(account, name)
    if not id_:
        raise DeployError(f"The account has no zone {name}.", cause=Cause.ROUTING)
    return id_
