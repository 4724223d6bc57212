"""Who takes a queue's messages, through the official SDK: wrangler adds consumers and removes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import cloudflare

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from workflows.ir.deploy.deploy_settings import Consumer

QUEUES_READ = "Queues Read"
QUEUES_WRITE = "Queues Write"
_PULLED = "a program that pulls them"


def consumers(account: Account, queue: str) -> frozenset[str] | None:
    """Return the Workers that take the queue's messages; None where there is no such queue."""
    with account.explained(f"look for the queue {queue}", needs=QUEUES_READ):
        found = _find(account, queue)
        return None if found is None else frozenset(_worker(one) for one in _of(account, found))


def remove_consumer(account: Account, queue: str, worker: str) -> None:
    """Remove the Worker's consumer of the queue; what is gone already is no mistake."""
    doing = f"remove the consumer {worker} of the queue {queue}"
    with account.explained(doing, needs=QUEUES_WRITE):
        found = _find(account, queue)
        for one in _of(account, found) if found is not None else ():
            if _worker(one) == worker:
                _delete(account, found.queue_id, one["consumer_id"])


def consumer_settings(account: Account, queue: str, worker: str) -> Consumer | None:
    """Return how the Worker takes the queue's messages; None where it does not."""
    with account.explained(f"look for the queue {queue}", needs=QUEUES_READ):
        found = _find(account, queue)
        mine = [one for one in _of(account, found) if _worker(one) == worker] if found else []
    return _read(queue, mine[0]) if mine else None


def require_free(account: Account, queue: str, worker: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the queue's id and the Worker's own consumers of it.

    Raises DeployError where there is no such queue, or its messages go to another Worker.
    """
    with account.explained(f"look for the queue {queue}", needs=QUEUES_READ):
        found = _find(account, queue)
        there = list(_of(account, found)) if found is not None else []
    if found is None:
        message = f"There is no queue {queue} on this target: create it first."
        raise DeployError(message, cause=Cause.ENVIRONMENT)
    others = [_worker(one) for one in there if _worker(one) != worker]
    if others:
        message = f"The messages of the queue {queue} go to {others[0]}."
        raise DeployError(message, cause=Cause.TAKEN)
    return found.queue_id, there


def set_consumer(account: Account, worker: str, wanted: Consumer) -> None:
    """Have the Worker take the queue's messages so; raises DeployError where another one does."""
    queue_id, there = require_free(account, wanted.queue, worker)
    with account.explained(f"set the consumer of the queue {wanted.queue}", needs=QUEUES_WRITE):
        _write(account, queue_id, worker, wanted=wanted, there=there)


def _write(
    account: Account, queue_id: str, worker: str, *, wanted: Consumer, there: list[dict[str, Any]]
) -> None:
    consumers = account.client.queues.consumers
    body: dict[str, Any] = {
        "account_id": account.account_id,
        "script_name": worker,
        "type": "worker",
        "dead_letter_queue": wanted.dead_letter_queue or cloudflare.omit,
        "settings": _settings(wanted),
    }
    if there:
        consumers.update(there[0]["consumer_id"], queue_id=queue_id, **body)
    else:
        consumers.create(queue_id, **body)


def _settings(wanted: Consumer) -> dict[str, Any]:
    most = {"max_concurrency": wanted.max_concurrency} if wanted.max_concurrency else {}
    return {
        "batch_size": wanted.max_batch_size,
        "max_wait_time_ms": wanted.max_batch_timeout * 1000,
        "max_retries": wanted.max_retries,
        "retry_delay": wanted.retry_delay,
        **most,
    }


def _read(queue: str, consumer: dict[str, Any]) -> Consumer:
    settings, usual = consumer.get("settings") or {}, Consumer(queue=queue)
    most = settings.get("max_concurrency")
    wait = settings.get("max_wait_time_ms")
    return Consumer(
        queue=queue,
        max_batch_size=int(settings.get("batch_size") or usual.max_batch_size),
        max_batch_timeout=usual.max_batch_timeout if wait is None else int(wait // 1000),
        max_retries=int(settings.get("max_retries", usual.max_retries)),
        retry_delay=int(settings.get("retry_delay") or 0),
        dead_letter_queue=str(consumer.get("dead_letter_queue") or ""),
        max_concurrency=int(most) if most else None,
    )


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
    with suppress(cloudflare.NotFoundError):
        account.client.queues.consumers.delete(
            consumer_id, account_id=account.account_id, queue_id=queue_id
        )
