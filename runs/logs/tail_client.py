"""A Worker's tail at its target: opened through the SDK, read from its WebSocket."""

from __future__ import annotations

import json
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

_PROTOCOL: Final = "trace-v1"
_PERMISSION: Final = "Workers Tail Read"
_LARGEST: Final = 1024 * 1024  # bytes of one message
_WAITING: Final = 64  # messages that wait to be read before the target has to


@dataclass(frozen=True, slots=True)
class _Opened:
    account: Account
    worker: str
    tail_id: str
    url: str


@asynccontextmanager
async def tail(live: Deployment) -> AsyncGenerator[AsyncGenerator[dict[str, Any]]]:
    """Give the trace events of what is live while the body runs; raises DeployError."""
    opened = await database_sync_to_async(_open)(live)
    try:
        async with connect(
            opened.url,
            subprotocols=[_PROTOCOL],  # type: ignore[list-item]
            max_size=_LARGEST,
            max_queue=_WAITING,
        ) as socket:
            yield _events(socket)
    except (OSError, WebSocketException) as lost:
        raise DeployError(
            f"The target's log stream ended: {lost}. Open it again.", cause=Cause.UNREACHABLE
        ) from None
    finally:
        await database_sync_to_async(_close)(opened)


async def _events(socket: Any) -> AsyncGenerator[dict[str, Any]]:
    async for message in socket:
        with suppress(ValueError):  # what is no JSON is none of a tail's events
            told = json.loads(message)
            if isinstance(told, dict):
                yield told


def _open(live: Deployment) -> _Opened:
    account = account_of(live.target or default_target())
    with account.explained("open the Worker's log stream", needs=_PERMISSION):
        made = account.client.workers.scripts.tail.create(
            live.worker_name, account_id=account.account_id
        )
    return _Opened(account, live.worker_name, str(made.id), str(made.url))


def _close(opened: _Opened) -> None:
    """What is gone already, or a target that is, needs no closing: a tail ends by itself."""
    with suppress(DeployError), opened.account.explained("close the log stream"):
        opened.account.client.workers.scripts.tail.delete(
            opened.tail_id, script_name=opened.worker, account_id=opened.account.account_id
        )
