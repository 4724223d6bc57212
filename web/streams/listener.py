"""Waiting on a channel of events: what every stream of ours does between its frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from channels.db import database_sync_to_async
from django_eventstream.event import Event
from django_eventstream.views import Listener, get_listener_manager

from web.streams.table_watcher import tail

KEEP_ALIVE: Final = 15.0  # seconds
RIGHTS: Final = 60.0  # seconds between questions whether the client may still read
BEAT: Final = b": keep-alive\n\n"
OPENING: Final = b"retry: 2000\n: " + b" " * 2048 + b"\n\n"  # some proxies wait for a first 2 KB


@asynccontextmanager
async def listening(channel: str) -> AsyncGenerator[Listener]:
    """Give a listener on the channel while the body runs, with the tail that feeds it running."""
    listener = Listener()
    listener.assign_loop()
    listener.channels = {channel}
    manager = get_listener_manager()
    manager.add_listener(listener)
    try:
        await database_sync_to_async(tail.ensure, thread_sensitive=False)()
        yield listener
    finally:
        manager.remove_listener(listener)


async def woken(listener: Listener) -> bool:
    """Wait for something on the listener's channel; False after KEEP_ALIVE without anything."""
    with suppress(TimeoutError):
        await asyncio.wait_for(listener.aevent.wait(), KEEP_ALIVE)
        return True
    return False


def taken(channel: str, listener: Listener) -> tuple[list[Event], bool]:
    """Take what is queued, and tell whether anything was dropped because the queue was full."""
    with get_listener_manager().lock:
        queued: list[Event] = listener.channel_items.pop(channel, [])
        overflow, listener.overflow = listener.overflow, False
        listener.aevent.clear()
    return queued, bool(overflow)
