"""One shared tail of a Worker for all viewers in this process; a target allows only a few tails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from deployments.models import Deployment
from runs.logs.tail_client import open_tail
from targets.cloudflare.errors import DeployError

OnEvent = Callable[[dict[str, Any], int], None]
OnOpen = Callable[[], Awaitable[None]]
_Key = tuple[int | None, str]


@dataclass(eq=False)
class _SharedTail:
    """An open tail and its viewers."""

    viewers: list[OnEvent] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def pump(self, live: Deployment) -> None:
        async with open_tail(live) as events:
            self.opened.set()
            async for event, size in events:
                for on_event in tuple(self.viewers):
                    on_event(event, size)


_open: dict[_Key, _SharedTail] = {}


def viewer_count() -> int:
    """Return how many open pages of this process show live logs."""
    return sum(len(shared.viewers) for shared in list(_open.values()))


async def watch_tail(live: Deployment, on_event: OnEvent, *, on_open: OnOpen) -> None:
    """Call `on_event`, which must not raise, with each trace event and its size until the tail ends.

    `on_open` is called when the target is connected: earlier output is not received.
    Raises DeployError if the tail cannot be opened or breaks. The last viewer closes it.
    """
    key = (live.target_id, live.worker_name)
    shared = _open.get(key)
    if shared is None or shared.task is None or shared.task.done():
        shared = _open[key] = _SharedTail()
        shared.task = asyncio.ensure_future(shared.pump(live))
    shared.viewers.append(on_event)
    opening = asyncio.ensure_future(_report_opening(shared, on_open))
    try:
        await asyncio.shield(shared.task)
    finally:
        opening.cancel()
        shared.viewers.remove(on_event)
        if not shared.viewers:
            await _close(key, shared)


async def _report_opening(shared: _SharedTail, on_open: OnOpen) -> None:
    await shared.opened.wait()
    await on_open()


async def _close(key: _Key, shared: _SharedTail) -> None:
    if _open.get(key) is shared:
        del _open[key]
    if shared.task is not None:
        shared.task.cancel()
        with suppress(asyncio.CancelledError, DeployError):
            await shared.task
