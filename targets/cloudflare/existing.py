"""Whether a resource that a person named is there, through the official SDK."""

from __future__ import annotations

from collections.abc import Callable

import cloudflare
from cloudflare import Cloudflare

from targets.cloudflare.account import Account
from workflows.ir.reading.bindings import BindingKind


def exists(account: Account, kind: BindingKind, resource: str) -> bool:
    """Tell whether the target has it; a token that may deploy and not look gets a yes."""
    look = _LOOKS.get(kind)
    if look is None:
        return True
    with account.explained(f"look for the {kind.label} {resource}"):
        try:
            return look(account.client, account.account_id, resource)
        except (cloudflare.NotFoundError, cloudflare.BadRequestError):
            return False
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError):
            return True


def _kv(client: Cloudflare, account: str, id_: str) -> bool:
    return client.kv.namespaces.get(id_, account_id=account) is not None


def _d1(client: Cloudflare, account: str, id_: str) -> bool:
    return client.d1.database.get(id_, account_id=account) is not None


def _r2(client: Cloudflare, account: str, name: str) -> bool:
    return client.r2.buckets.get(name, account_id=account) is not None


def _queue(client: Cloudflare, account: str, name: str) -> bool:
    listed = client.queues.list(account_id=account, extra_query={"name": name})
    return any(queue.queue_name == name for queue in listed)


def _vectorize(client: Cloudflare, account: str, name: str) -> bool:
    return client.vectorize.indexes.get(name, account_id=account) is not None


def _hyperdrive(client: Cloudflare, account: str, id_: str) -> bool:
    return client.hyperdrive.configs.get(id_, account_id=account) is not None


_LOOKS: dict[BindingKind, Callable[[Cloudflare, str, str], bool]] = {
    BindingKind.KV: _kv,
    BindingKind.D1: _d1,
    BindingKind.R2: _r2,
    BindingKind.QUEUE: _queue,
    BindingKind.VECTORIZE: _vectorize,
    BindingKind.HYPERDRIVE: _hyperdrive,
}
