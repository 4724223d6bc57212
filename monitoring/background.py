"""Calls that may hang: each in a thread of its own, at most once at a time, with a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from django.db import connections

_T = TypeVar("_T")


class Background(Generic[_T]):
    """A function whose running call is shared by everyone who asks, so it never holds two threads."""

    def __init__(self, function: Callable[[], _T]) -> None:
        self._function = function
        self._running: asyncio.Future[_T] | None = None

    async def result(self, *, seconds: float) -> _T:
        """Return what the function returns, or raise what it raises; raises TimeoutError after `seconds`."""
        if self._running is None or self._running.done():
            self._running = _in_thread(self._function)
        running = self._running
        await asyncio.wait({running}, timeout=seconds)
        if not running.done():
            raise TimeoutError
        return running.result()


def _in_thread(function: Callable[[], _T]) -> asyncio.Future[_T]:
    """Call the function in a daemon thread, because the server must be able to stop while it hangs."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def work() -> None:
        try:
            end = partial(future.set_result, function())
        except Exception as error:  # noqa: BLE001 - it is raised where the result is read
            end = partial(future.set_exception, error)
        finally:
            connections.close_all()
        with suppress(RuntimeError):  # the server has stopped in the meantime
            loop.call_soon_threadsafe(end)

    threading.Thread(target=work, name="monitoring", daemon=True).start()
    return future
