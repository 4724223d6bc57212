"""Queue consumers: wrangler adds and updates them, but never removes one."""

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
_PULL_CONSUMER = "a pull consumer"


def consumers(account: Account, queue: str) -> frozenset[str] | None:
    """Return the Workers that consume the queue; None if there is no such queue."""
    with account.explained(f"look up the queue {queue}", needs=QUEUES_READ):
        match = _find(account, queue)
        return None if match is None else frozenset(map(_worker, _consumers(account, match)))


def remove_consumer(account: Account, queue: str, worker: str) -> None:
    """Remove the Worker's consumer of the queue, if it exists."""
    doing = f"remove the consumer {worker} of the queue {queue}"
    with account.explained(doing, needs=QUEUES_WRITE):
        match = _find(account, queue)
        for consumer in _consumers(account, match) if match is not None else ():
            if _worker(consumer) == worker:
                _delete(account, match.queue_id, consumer["consumer_id"])


def consumer_settings(account: Account, queue: str, worker: str) -> Consumer | None:
    """Return how the Worker consumes the queue; None if it does not."""
    with account.explained(f"look up the queue {queue}", needs=QUEUES_READ):
        match = _find(account, queue)
        listed = list(_consumers(account, match)) if match else []
    own = next((consumer for consumer in listed if _worker(consumer) == worker), None)
    return _parse(queue, own) if own else None


def require_free(account: Account, queue: str, worker: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the queue's id and the Worker's own consumers of it.

    Raises DeployError if there is no such queue, or if another Worker consumes it.
    """
    with account.explained(f"look up the queue {queue}", needs=QUEUES_READ):
        match = _find(account, queue)
        current = list(_consumers(account, match)) if match is not None else []
    if match is None:
        message = f"There is no queue {queue} on this target: create it first."
        raise DeployError(message, cause=Cause.ENVIRONMENT)
    others = [_worker(consumer) for consumer in current if _worker(consumer) != worker]
    if others:
        message = (
            f"The queue {queue} is already consumed by {others[0]}: remove that consumer first."
        )
        raise DeployError(message, cause=Cause.TAKEN)
    return match.queue_id, current


def set_consumer(account: Account, worker: str, expected: Consumer) -> None:
    """Make the Worker consume the queue; raises DeployError if another one does."""
    queue_id, current = require_free(account, expected.queue, worker)
    with account.explained(f"set the consumer of the queue {expected.queue}", needs=QUEUES_WRITE):
        _write(account, queue_id, worker, expected=expected, current=current)


def _write(
    account: Account,
    queue_id: str,
    worker: str,
    *,
    expected: Consumer,
    current: list[dict[str, Any]],
) -> None:
    consumers = account.client.queues.consumers
    body: dict[str, Any] = {
        "account_id": account.account_id,
        "script_name": worker,
        "type": "worker",
        "dead_letter_queue": expected.dead_letter_queue or cloudflare.omit,
        "settings": _settings(expected),
    }
    if current:
        consumers.update(current[0]["consumer_id"], queue_id=queue_id, **body)
    else:
        consumers.create(queue_id, **body)


def _settings(expected: Consumer) -> dict[str, Any]:
    concurrency = expected.max_concurrency
    return {
        "batch_size": expected.max_batch_size,
        "max_wait_time_ms": expected.max_batch_timeout * 1000,
        "max_retries": expected.max_retries,
        "retry_delay": expected.retry_delay,
        **({"max_concurrency": concurrency} if concurrency else {}),
    }


def _parse(queue: str, consumer: dict[str, Any]) -> Consumer:
    settings, default = consumer.get("settings") or {}, Consumer(queue=queue)
    concurrency = settings.get("max_concurrency")
    wait = settings.get("max_wait_time_ms")
    return Consumer(
        queue=queue,
        max_batch_size=int(settings.get("batch_size") or default.max_batch_size),
        max_batch_timeout=default.max_batch_timeout if wait is None else int(wait // 1000),
        max_retries=int(settings.get("max_retries", default.max_retries)),
        retry_delay=int(settings.get("retry_delay") or 0),
        dead_letter_queue=str(consumer.get("dead_letter_queue") or ""),
        max_concurrency=int(concurrency) if concurrency else None,
    )


def _find(account: Account, name: str) -> Any:
    listed = account.client.queues.list(account_id=account.account_id, extra_query={"name": name})
    return next((queue for queue in listed if queue.queue_name == name), None)


def _consumers(account: Account, queue: Any) -> Iterator[dict[str, Any]]:
    """Yield the consumers in the API's shape: the SDK's types lack some of its fields."""
    listed = account.client.queues.consumers.list(queue.queue_id, account_id=account.account_id)
    for consumer in listed:
        yield consumer.to_dict()


def _worker(consumer: dict[str, Any]) -> str:
    """Return the consumer's Worker: the API has three keys for it; wrangler reads only two."""
    names = (consumer.get(key) for key in ("script_name", "script", "service"))
    return next((str(name) for name in names if name), _PULL_CONSUMER)


def _delete(account: Account, queue_id: str, consumer_id: str) -> None:
    with suppress(cloudflare.NotFoundError):
        account.client.queues.consumers.delete(
            consumer_id, account_id=account.account_id, queue_id=queue_id
        )
