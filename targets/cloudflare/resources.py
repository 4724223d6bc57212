"""The resources of an account that a Worker can be bound to: listed, found and made through the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import cloudflare
from cloudflare import Cloudflare

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause
from workflows.ir.reading.bindings import BindingKind

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the account; `id` is what a binding calls it by."""

    kind: BindingKind
    id: str
    name: str
    created: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the resources of one kind are reached, and the permission that reading them takes."""

    permission: str
    list: Callable[[Cloudflare, str], Iterator[tuple[str, str, str]]]
    create: Callable[[Cloudflare, str, str], str]


def listed(account: Account, kind: BindingKind) -> list[Resource]:
    """Return all resources of the kind, by name."""
    known = _KINDS[kind]
    with account.explained(f"list the {kind.label} resources", needs=f"{known.permission} Read"):
        found = [
            Resource(kind=kind, id=id_, name=name, created=created)
            for id_, name, created in known.list(account.client, account.account_id)
        ]
    return sorted(found, key=lambda one: one.name)


def create(account: Account, kind: BindingKind, name: str) -> Resource:
    """Make a resource; raises DeployError with the target's reason, such as a name that is taken."""
    known = _KINDS[kind]
    doing = f"create the {kind.label} {name}"
    with account.explained(doing, needs=f"{known.permission} Write", cause=Cause.ENVIRONMENT):
        made = known.create(account.client, account.account_id, name)
    return Resource(kind=kind, id=made, name=name)


def find(account: Account, kind: BindingKind, name: str) -> str:
    """Return what a binding calls the resource of this name by; "" where there is none."""
    return next((one.id for one in listed(account, kind) if one.name == name), "")


def find_or_create(account: Account, kind: BindingKind, name: str) -> str:
    """Return what a binding calls the resource by: its id, for R2 and queues its name."""
    return find(account, kind, name) or create(account, kind, name).id


def _list_kv(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for one in client.kv.namespaces.list(account_id=account):
        yield str(one.id), str(one.title), ""


def _create_kv(client: Cloudflare, account: str, name: str) -> str:
    made = client.kv.namespaces.create(account_id=account, title=name)
    return str(made.id if made else "")


def _list_d1(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for one in client.d1.database.list(account_id=account):
        yield str(one.uuid), str(one.name), _moment(one.created_at)


def _create_d1(client: Cloudflare, account: str, name: str) -> str:
    return str(client.d1.database.create(account_id=account, name=name).uuid)


def _list_r2(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    after: Any = cloudflare.omit
    while True:
        page = client.r2.buckets.list(account_id=account, per_page=_PAGE, start_after=after)
        buckets = page.buckets or []
        for one in buckets:
            yield str(one.name), str(one.name), _moment(one.creation_date)
        if len(buckets) < _PAGE:
            return
        after = buckets[-1].name


def _create_r2(client: Cloudflare, account: str, name: str) -> str:
    client.r2.buckets.create(account_id=account, name=name)
    return name


def _list_queues(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for one in client.queues.list(account_id=account):
        yield str(one.queue_name), str(one.queue_name), _moment(one.created_on)


def _create_queue(client: Cloudflare, account: str, name: str) -> str:
    client.queues.create(account_id=account, queue_name=name)
    return name


def _moment(value: object) -> str:
    return str(value or "")


_KINDS = {
    BindingKind.KV: _Kind("Workers KV Storage", _list_kv, _create_kv),
    BindingKind.D1: _Kind("D1", _list_d1, _create_d1),
    BindingKind.R2: _Kind("Workers R2 Storage", _list_r2, _create_r2),
    BindingKind.QUEUE: _Kind("Queues", _list_queues, _create_queue),
}
MAKES: frozenset[BindingKind] = frozenset(_KINDS)
