"""One tail of a Worker for all who watch it in this process: a target allows few of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from deployments.models import Deployment
from runs.logs.tail_client import tail
from targets.cloudflare.errors import DeployError

Hear = Callable[[dict[str, Any]], None]
_Key = tuple[int | None, str]


@dataclass(eq=False)
class _Shared:
    """An open tail, and who hears what it tells."""

    viewers: list[Hear] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def pump(self, live: Deployment) -> None:
        async with tail(live) as events:
            async for event in events:
                for hear in tuple(self.viewers):
                    hear(event)


_open: dict[_Key, _Shared] = {}


async def watch(live: Deployment, hear: Hear) -> None:
    """Give each trace event of what is live to `hear`, which must not raise, until the tail ends.

    Raises DeployError where it cannot be opened or is lost. Whoever leaves last closes it.
    """
    key = (live.target_id, live.worker_name)
    shared = _open.get(key)
    if shared is None or shared.task is None or shared.task.done():
        shared = _open[key] = _Shared()
        shared.task = asyncio.ensure_future(shared.pump(live))
    shared.viewers.append(hear)
    try:
        await asyncio.shield(shared.task)
    finally:
        shared.viewers.remove(hear)
        if not shared.viewers:
            await _close(key, shared)


async def _close(key: _Key, shared: _Shared) -> None:
    if _open.get(key) is shared:
        del _open[key]
    if shared.task is not None:
        shared.task.cancel()
        with suppress(asyncio.CancelledError, DeployError):
            await shared.task
