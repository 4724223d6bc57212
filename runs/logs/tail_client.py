"""A Worker's tail: opened through the SDK, read from its WebSocket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from channels.db import database_sync_to_async
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from deployments.models import Deployment
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import account_of, default_target
from toolchain import half_characters

_PROTOCOL: Final = "trace-v1"
_PERMISSION: Final = "Workers Tail Read"
_MAX_SIZE: Final = 1024 * 1024  # bytes per message
_MAX_QUEUE: Final = 64  # messages

SizedEvent = tuple[dict[str, Any], int]
"""A trace event, and the size of its message."""


@dataclass(frozen=True, slots=True)
class _Tail:
    account: Account
    worker: str
    tail_id: str
    url: str


@asynccontextmanager
async def open_tail(live: Deployment) -> AsyncGenerator[AsyncGenerator[SizedEvent]]:
    """Yield an iterator of the deployment's trace events. Raises DeployError if the tail fails."""
    tail = await database_sync_to_async(_open)(live)
    try:
        async with connect(
            tail.url,
            subprotocols=[_PROTOCOL],  # type: ignore[list-item]
            max_size=_MAX_SIZE,
            max_queue=_MAX_QUEUE,
        ) as socket:
            yield _events(socket)
    except (OSError, WebSocketException) as error:
        raise DeployError(
            f"The log stream ended: {error}. Open it again.", cause=Cause.UNREACHABLE
        ) from None
    finally:
        await database_sync_to_async(_close)(tail)


async def _events(socket: Any) -> AsyncGenerator[SizedEvent]:
    async for message in socket:
        with suppress(ValueError, RecursionError):  # what is not JSON is not a trace event
            event = half_characters.loads(message)
            if isinstance(event, dict):
                yield event, len(message)


def _open(live: Deployment) -> _Tail:
    account = account_of(live.target or default_target())
    with account.explained("open the Worker's log stream", needs=_PERMISSION):
        created = account.client.workers.scripts.tail.create(
            live.worker_name, account_id=account.account_id
        )
    return _Tail(account, live.worker_name, str(created.id), str(created.url))


def _close(tail: _Tail) -> None:
    """Close the tail; errors are ignored, because a tail also ends by itself."""
    with suppress(DeployError), tail.account.explained("close the log stream"):
        tail.account.client.workers.scripts.tail.delete(
            tail.tail_id, script_name=tail.worker, account_id=tail.account.account_id
        )
