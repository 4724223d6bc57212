"""Probes of an API token's permissions, by harmless reads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

import cloudflare

from targets.cloudflare.account import Account, reason
from targets.cloudflare.errors import DeployError


class ProbeResult(StrEnum):
    """The result of a read. UNTRIED: there was nothing to read."""

    READ = "read"
    REFUSED = "refused"
    UNTRIED = "untried"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The result of a read that needs the permission; `reason` is the target's own message."""

    permission: str
    answer: ProbeResult
    reason: str = ""


def subdomain(account: Account) -> str | DeployError:
    """Return the account's workers.dev subdomain ("" if it has none), or why it is unknown."""
    try:
        return account.subdomain()
    except DeployError as refused:
        return refused


Read = Callable[[Account], Any]


def _scripts(account: Account) -> Any:
    return account.client.workers.scripts.list(account_id=account.account_id)


def _kv(account: Account) -> Any:
    return account.client.kv.namespaces.list(account_id=account.account_id, per_page=5)


def _d1(account: Account) -> Any:
    return account.client.d1.database.list(account_id=account.account_id, per_page=10)


def _r2(account: Account) -> Any:
    return account.client.r2.buckets.list(account_id=account.account_id, per_page=1)


def _queues(account: Account) -> Any:
    return account.client.queues.list(account_id=account.account_id)


SCRIPTS: Final = "Workers Scripts"
ZONE: Final = "Zone"
ROUTES: Final = "Workers Routes"
DNS: Final = "DNS"
KV: Final = "Workers KV Storage"
D1: Final = "D1"
R2: Final = "Workers R2 Storage"
QUEUES: Final = "Queues"

_ACCOUNT_READS: Final[dict[str, Read]] = {
    SCRIPTS: _scripts,
    KV: _kv,
    D1: _d1,
    R2: _r2,
    QUEUES: _queues,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProbe:
    """The account's workers.dev subdomain, and the result of each probe."""

    subdomain: str | DeployError
    probes: tuple[Probe, ...]


def probe_account(account: Account) -> AccountProbe:
    """Read the subdomain and probe all permissions in parallel."""
    with ThreadPoolExecutor(max_workers=len(_ACCOUNT_READS) + 2) as pool:
        subdomain_read = pool.submit(copy_context().run, subdomain, account)
        zone_probes = pool.submit(copy_context().run, _probe_zones, account)
        pending = [
            pool.submit(copy_context().run, probe, name, partial(read, account), account)
            for name, read in _ACCOUNT_READS.items()
        ]
        scripts, *others = [future.result() for future in pending]
    probes = (scripts, *zone_probes.result(), *others)
    return AccountProbe(subdomain=subdomain_read.result(), probes=probes)


def _probe_zones(account: Account) -> list[Probe]:
    """Probe the zone permissions on the first zone that the token can read."""
    zone_ids: list[str] = []

    def first_zone() -> None:
        listed: Any = account.client.zones.list(account={"id": account.account_id}, per_page=5)
        zone_ids.extend(str(zone.id) for zone in listed.result or [])

    zone = probe(ZONE, first_zone, account)
    if not zone_ids:
        answer = ProbeResult.UNTRIED if zone.answer is ProbeResult.READ else zone.answer
        others = (Probe(permission=name, answer=ProbeResult.UNTRIED) for name in (ROUTES, DNS))
        return [replace(zone, answer=answer), *others]
    client = account.client
    return [
        zone,
        probe(ROUTES, partial(client.workers.routes.list, zone_id=zone_ids[0]), account),
        probe(DNS, partial(client.dns.records.list, zone_id=zone_ids[0], per_page=5), account),
    ]


def probe(permission: str, read: Callable[[], Any], account: Account) -> Probe:
    """Return whether the read is allowed; the token has been verified before."""
    try:
        with account.explained(f"probe the permission {permission}"):
            try:
                read()
            except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as refused:
                return Probe(
                    permission=permission, answer=ProbeResult.REFUSED, reason=reason(refused)
                )
    except DeployError as failed:
        return Probe(permission=permission, answer=ProbeResult.FAILED, reason=str(failed))
    return Probe(permission=permission, answer=ProbeResult.READ)
