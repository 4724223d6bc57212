"""Account resources that a Worker can be bound to: look up, list and create them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import cloudflare
from cloudflare import Cloudflare

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause
from workflows.ir.reading.bindings import BindingKind

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the account; `id` is what a binding refers to."""

    kind: BindingKind
    id: str
    name: str
    created: str = ""


@dataclass(frozen=True, slots=True)
class _Api:
    """The calls for one kind of resource; `list` yields (id, name, created)."""

    permission: str
    list: Callable[[Cloudflare, str], Iterator[tuple[str, str, str]]]
    create: Callable[[Cloudflare, str, str], str]


def list_all(account: Account, kind: BindingKind) -> list[Resource]:
    """Return all resources of the kind, sorted by name."""
    api = _APIS[kind]
    with account.explained(f"list the {kind.label} resources", needs=f"{api.permission} Read"):
        resources = [
            Resource(kind=kind, id=id_, name=name, created=created)
            for id_, name, created in api.list(account.client, account.account_id)
        ]
    return sorted(resources, key=lambda resource: resource.name)


def create(account: Account, kind: BindingKind, name: str) -> Resource:
    """Create a resource; raises DeployError with the target's reason, such as a name in use."""
    api = _APIS[kind]
    doing = f"create the {kind.label} {name}"
    with account.explained(doing, needs=f"{api.permission} Write", cause=Cause.ENVIRONMENT):
        id_ = api.create(account.client, account.account_id, name)
    return Resource(kind=kind, id=id_, name=name)


@dataclass(frozen=True, slots=True)
class ResourceIds:
    """The ids of an account's resources by name (for R2 and queues the names).

    Each kind is listed once: a Worker may have thousands of bindings.
    """

    account: Account
    _known: dict[BindingKind, dict[str, str]] = field(default_factory=dict)

    def find(self, kind: BindingKind, name: str) -> str:
        """Return the id of the resource with this name; "" if there is none."""
        return self._ids(kind).get(name, "")

    def find_or_create(self, kind: BindingKind, name: str) -> str:
        """Return the id of the resource with this name, creating it if needed."""
        ids = self._ids(kind)
        if name not in ids:
            ids[name] = create(self.account, kind, name).id
        return ids[name]

    def _ids(self, kind: BindingKind) -> dict[str, str]:
        if kind not in self._known:
            listed = reversed(list_all(self.account, kind))  # of equal names, the first counts
            self._known[kind] = {each.name: each.id for each in listed}
        return self._known[kind]


def exists(account: Account, kind: BindingKind, id_: str) -> bool:
    """Return whether the target has the resource; True if the token may not read it."""
    is_there = _EXISTS.get(kind)
    if is_there is None:
        return True
    with account.explained(f"look up the {kind.label} {id_}"):
        try:
            return is_there(account.client, account.account_id, id_)
        except (cloudflare.NotFoundError, cloudflare.BadRequestError):
            return False
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError):
            return True


def _list_kv(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for namespace in client.kv.namespaces.list(account_id=account):
        yield str(namespace.id), str(namespace.title), ""


def _create_kv(client: Cloudflare, account: str, name: str) -> str:
    namespace = client.kv.namespaces.create(account_id=account, title=name)
    return str(namespace.id if namespace else "")


def _kv_exists(client: Cloudflare, account: str, id_: str) -> bool:
    return client.kv.namespaces.get(id_, account_id=account) is not None


def _list_d1(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for database in client.d1.database.list(account_id=account):
        yield str(database.uuid), str(database.name), str(database.created_at or "")


def _create_d1(client: Cloudflare, account: str, name: str) -> str:
    return str(client.d1.database.create(account_id=account, name=name).uuid)


def _d1_exists(client: Cloudflare, account: str, id_: str) -> bool:
    return client.d1.database.get(id_, account_id=account) is not None


def _list_r2(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    after: Any = cloudflare.omit
    while True:
        page = client.r2.buckets.list(account_id=account, per_page=_PAGE, start_after=after)
        buckets = page.buckets or []
        for bucket in buckets:
            yield str(bucket.name), str(bucket.name), str(bucket.creation_date or "")
        if len(buckets) < _PAGE:
            return
        after = buckets[-1].name


def _create_r2(client: Cloudflare, account: str, name: str) -> str:
    client.r2.buckets.create(account_id=account, name=name)
    return name


def _r2_exists(client: Cloudflare, account: str, name: str) -> bool:
    return client.r2.buckets.get(name, account_id=account) is not None


def _list_queues(client: Cloudflare, account: str) -> Iterator[tuple[str, str, str]]:
    for queue in client.queues.list(account_id=account):
        yield str(queue.queue_name), str(queue.queue_name), str(queue.created_on or "")


def _create_queue(client: Cloudflare, account: str, name: str) -> str:
    client.queues.create(account_id=account, queue_name=name)
    return name


def _queue_exists(client: Cloudflare, account: str, name: str) -> bool:
    queues = client.queues.list(account_id=account, extra_query={"name": name})
    return any(queue.queue_name == name for queue in queues)


def _vectorize_exists(client: Cloudflare, account: str, name: str) -> bool:
    return client.vectorize.indexes.get(name, account_id=account) is not None


def _hyperdrive_exists(client: Cloudflare, account: str, id_: str) -> bool:
    return client.hyperdrive.configs.get(id_, account_id=account) is not None


_APIS = {
    BindingKind.KV: _Api("Workers KV Storage", _list_kv, _create_kv),
    BindingKind.D1: _Api("D1", _list_d1, _create_d1),
    BindingKind.R2: _Api("Workers R2 Storage", _list_r2, _create_r2),
    BindingKind.QUEUE: _Api("Queues", _list_queues, _create_queue),
}
_EXISTS: dict[BindingKind, Callable[[Cloudflare, str, str], bool]] = {
    BindingKind.KV: _kv_exists,
    BindingKind.D1: _d1_exists,
    BindingKind.R2: _r2_exists,
    BindingKind.QUEUE: _queue_exists,
    BindingKind.VECTORIZE: _vectorize_exists,
    BindingKind.HYPERDRIVE: _hyperdrive_exists,
}
CREATABLE: frozenset[BindingKind] = frozenset(_APIS)
"""The kinds of resources that can be listed and created here."""
