"""What every event stream does between its frames: wait on a channel."""

from __future__ import annotations

import asyncio
import math
import random
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django_eventstream.event import Event
from django_eventstream.views import Listener, get_listener_manager

from web.streams.table_watcher import watcher

_T = TypeVar("_T")

KEEP_ALIVE_SECONDS: Final = 15.0
RIGHTS_CHECK_SECONDS: Final = 20.0  # how often to check that the client may still read
KEEP_ALIVE_FRAME: Final = b": keep-alive\n\n"
_MAX_SILENT: Final = 10_000
_RETRY_MILLISECONDS: Final = (1_000, 5_000)
_PADDING: Final = b": " + b" " * 2048  # some proxies buffer 2 KB


def opening_frame() -> bytes:
    """Return the first frame, with the pause after which the client connects again.

    It differs between clients, so that they do not all return in the same moment.
    """
    pause = random.randint(*_RETRY_MILLISECONDS)  # noqa: S311 - not a secret
    return b"retry: %d\n%b\n\n" % (pause, _PADDING)


class _Wakeups:
    """Listeners of an event loop that are woken together: a call into the loop costs a system call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._lock = loop, threading.Lock()
        self._woken: list[asyncio.Event] = []

    def add(self, event: asyncio.Event) -> None:
        with self._lock:
            self._woken.append(event)
            if len(self._woken) == 1:
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        with self._lock:
            woken, self._woken = self._woken, []
        for event in woken:
            event.set()


_wakeups: WeakKeyDictionary[asyncio.AbstractEventLoop, _Wakeups] = WeakKeyDictionary()


class BatchedListener(Listener):  # type: ignore[misc]
    """A listener that is woken together with the others of its event loop."""

    def assign_loop(self) -> None:
        loop = asyncio.get_running_loop()
        self._wakeups = _wakeups.setdefault(loop, _Wakeups(loop))

    def wake_threadsafe(self) -> None:
        self._wakeups.add(self.aevent)


class RightsCheck:
    """Checks regularly whether a client may still read, without holding up its stream.

    The first check comes sooner, at a random time, so that streams that were opened together are not
    checked together.
    """

    def __init__(self, still_allowed: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        self._still_allowed, self._seconds = still_allowed, seconds
        self._checked_at = monotonic() - random.random() * seconds  # noqa: S311 - not a secret
        self._check: asyncio.Future[bool] | None = None

    def has_failed(self) -> bool:
        """Return the result of the last check, and begin another one if it is time."""
        if self._check and self._check.done():
            check, self._check = self._check, None
            self._checked_at = monotonic()
            return not check.result()
        if self._check is None and monotonic() - self._checked_at >= self._seconds:
            self._check = asyncio.ensure_future(self._still_allowed())
        return False

    def close(self) -> None:
        if self._check:
            self._check.cancel()


class SharedSilence:
    """Remembers for a few seconds that there was nothing new, so that streams do not all ask."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._silent_at: dict[Hashable, float] = {}

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[_T]]) -> _T | None:
        """Return the answer, or None if another stream was just answered with None."""
        if monotonic() - self._silent_at.get(key, -math.inf) < self._seconds:
            return None
        answer = await question()
        if not answer:
            if len(self._silent_at) >= _MAX_SILENT:
                self._silent_at.clear()
            self._silent_at[key] = monotonic()
        return answer


@asynccontextmanager
async def listen(channel: str) -> AsyncGenerator[Listener]:
    """Yield a listener on the channel, fed by the table watcher while the body runs."""
    listener = BatchedListener()
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
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            await listener.aevent.wait()
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
