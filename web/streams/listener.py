"""What every event stream does between its frames: wait on a channel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from channels.db import database_sync_to_async
from django_eventstream.event import Event
from django_eventstream.views import Listener, get_listener_manager

from web.streams.table_watcher import watcher

KEEP_ALIVE_SECONDS: Final = 15.0
RIGHTS_CHECK_SECONDS: Final = 30.0  # how often to check that the client may still read
KEEP_ALIVE_FRAME: Final = b": keep-alive\n\n"
_RETRY_MILLISECONDS: Final = (1_000, 5_000)
_PADDING: Final = b": " + b" " * 2048  # some proxies buffer 2 KB


def opening_frame() -> bytes:
    """Return the first frame, with the pause after which the client connects again.

    It differs between clients, so that they do not all return in the same moment.
    """
    pause = random.randint(*_RETRY_MILLISECONDS)  # noqa: S311 - not a secret
    return b"retry: %d\n%b\n\n" % (pause, _PADDING)


@asynccontextmanager
async def listen(channel: str) -> AsyncGenerator[Listener]:
    """Yield a listener on the channel, fed by the table watcher while the body runs."""
    listener = Listener()
    listener.assign_loop()
    listener.channels = {channel}
    manager = get_listener_manager()
    manager.add_listener(listener)
    try:
        await database_sync_to_async(watcher.ensure_running, thread_sensitive=False)()
        yield listener
    finally:
        manager.remove_listener(listener)


async def wait_for_events(listener: Listener) -> bool:
    """Wait for an event on the listener's channel; return False after KEEP_ALIVE_SECONDS without one."""
    with suppress(TimeoutError):
        await asyncio.wait_for(listener.aevent.wait(), KEEP_ALIVE_SECONDS)
        return True
    return False


def take_events(channel: str, listener: Listener) -> tuple[list[Event], bool]:
    """Remove and return the queued events, and whether any were dropped because the queue was full."""
    with get_listener_manager().lock:
        queued: list[Event] = listener.channel_items.pop(channel, [])
        overflow, listener.overflow = listener.overflow, False
        listener.aevent.clear()
    return queued, bool(overflow)


def open_streams() -> dict[str, int]:
    """Return the number of streams of this process that are open on each channel."""
    manager = get_listener_manager()
    with manager.lock:
        return {name: len(found) for name, found in manager.listeners_by_channel.items()}
