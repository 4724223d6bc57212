"""What reads can tell of an API token's rights: through the official SDK."""

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
    """What became of a read: it worked, it was refused, there was nothing to read, it failed."""

    READ = "read"
    REFUSED = "refused"
    UNTRIED = "untried"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a read said of the permission of this name; `reason` is the target's own."""

    permission: str
    answer: ProbeResult
    reason: str = ""


def subdomain(account: Account) -> str | DeployError:
    """Return the account's workers.dev subdomain, "" where it has none; or why it is not known."""
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

_OF_ACCOUNT: Final[dict[str, Read]] = {
    SCRIPTS: _scripts,
    KV: _kv,
    D1: _d1,
    R2: _r2,
    QUEUES: _queues,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProbe:
    """What stands around Workers at an account: its subdomain, and the rights of the token."""

    subdomain: str | DeployError
    probes: tuple[Probe, ...]


def probe_account(account: Account) -> AccountProbe:
    """Ask for all of it at once."""
    with ThreadPoolExecutor(max_workers=len(_OF_ACCOUNT) + 2) as pool:
        asked_subdomain = pool.submit(copy_context().run, subdomain, account)
        asked_zones = pool.submit(copy_context().run, _in_zones, account)
        asked = [
            pool.submit(copy_context().run, probe, name, partial(read, account), account)
            for name, read in _OF_ACCOUNT.items()
        ]
        probes = [one.result() for one in asked]
        zones = asked_zones.result()
        found = asked_subdomain.result()
    return AccountProbe(subdomain=found, probes=(*probes[:1], *zones, *probes[1:]))


def _in_zones(account: Account) -> list[Probe]:
    """Try the rights that are given for zones on the first one that the token may read."""
    found: list[str] = []

    def first_zone() -> None:
        listed: Any = account.client.zones.list(account={"id": account.account_id}, per_page=5)
        found.extend(str(one.id) for one in listed.result or [])

    zone = probe(ZONE, first_zone, account)
    if not found:
        answer = ProbeResult.UNTRIED if zone.answer is ProbeResult.READ else zone.answer
        others = (Probe(permission=name, answer=ProbeResult.UNTRIED) for name in (ROUTES, DNS))
        return [replace(zone, answer=answer), *others]
    client = account.client
    return [
        zone,
        probe(ROUTES, partial(client.workers.routes.list, zone_id=found[0]), account),
        probe(DNS, partial(client.dns.records.list, zone_id=found[0], per_page=5), account),
    ]


def probe(permission: str, read: Callable[[], Any], account: Account) -> Probe:
    """Say what the read says of the permission, whose token has been verified before."""
    try:
        with account.explained(f"try the permission {permission}"):
            try:
                read()
            except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as refused:
                return Probe(
                    permission=permission, answer=ProbeResult.REFUSED, reason=reason(refused)
                )
    except DeployError as failed:
        return Probe(permission=permission, answer=ProbeResult.FAILED, reason=str(failed))
    return Probe(permission=permission, answer=ProbeResult.READ)
