"""One thread for all queries of the event streams of a process.

channels' database_sync_to_async connects to the database for each call, which takes longer than most
queries of a stream. Here, calls that wait for each other use one connection, which is closed after them.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import Error, connections

_P = ParamSpec("_P")
_T = TypeVar("_T")

_executor = ThreadPoolExecutor(1, thread_name_prefix="streams")
_lock = threading.Lock()
_waiting = 0  # calls that have not ended


async def in_database(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call a function that uses the database."""
    global _waiting
    with _lock:
        _waiting += 1
    call = partial(contextvars.copy_context().run, function, *args, **kwargs)
    future = _executor.submit(_call, call)
    future.add_done_callback(_discount_cancelled)
    return await asyncio.wrap_future(future)


def _discount_cancelled(future: Future[Any]) -> None:
    """Discount a call that will not be made, because its stream has ended."""
    global _waiting
    if future.cancelled():
        with _lock:
            _waiting -= 1


def _call(function: Callable[[], _T]) -> _T:
    has_failed = False
    try:
        return function()
    except Error:
        has_failed = True
        raise
    finally:
        if _is_last() or has_failed:
            connections.close_all()


def _is_last() -> bool:
    global _waiting
    with _lock:
        _waiting -= 1
        return _waiting == 0
