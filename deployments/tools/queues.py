"""Who takes a queue's messages, through the official SDK: wrangler adds consumers and removes none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cloudflare

from deployments.tools.account import Account

_PULLED = "a program that pulls them"


def consumers(account: Account, queue: str) -> frozenset[str] | None:
    """Return the Workers that take the queue's messages; None where there is no such queue."""
    with account.explained(f"look for the queue {queue}"):
        found = _find(account, queue)
        return None if found is None else frozenset(_worker(one) for one in _of(account, found))


def stop_consuming(account: Account, queue: str, worker: str) -> None:
    """Remove the Worker's consumer of the queue; what is gone already is no mistake."""
    with account.explained(f"remove the consumer {worker} of the queue {queue}"):
        found = _find(account, queue)
        for one in _of(account, found) if found is not None else ():
            if _worker(one) == worker:
                _delete(account, found.queue_id, one["consumer_id"])


def _find(account: Account, name: str) -> Any:
    listed = account.client.queues.list(account_id=account.account_id, extra_query={"name": name})
    return next((queue for queue in listed if queue.queue_name == name), None)


def _of(account: Account, queue: Any) -> Iterator[dict[str, Any]]:
    """Yield the consumers as the API tells them: the SDK's types leave some names out."""
    listed = account.client.queues.consumers.list(queue.queue_id, account_id=account.account_id)
    for consumer in listed:
        yield consumer.to_dict()


def _worker(consumer: dict[str, Any]) -> str:
    """The API calls the Worker by three names, of which wrangler reads two and the SDK the third."""
    names = (consumer.get(key) for key in ("script_name", "script", "service"))
    return next((str(name) for name in names if name), _PULLED)


def _delete(account: Account, queue_id: str, consumer_id: str) -> None:
    try:
        account.client.queues.consumers.delete(
            consumer_id, account_id=account.account_id, queue_id=queue_id
        )
    except cloudflare.NotFoundError:
        return
