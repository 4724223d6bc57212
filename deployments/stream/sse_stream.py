"""A channel as a stream of SSE: what the table holds after the client's cursor, then what comes.

The package's own `stream()` reads its storage again from the client's first cursor when an event
arrives during a read, and so tells some events twice: the loop here keeps the cursor itself, and
uses the package for its listeners (fan-out), its storage and its channel rights.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic

from channels.db import database_sync_to_async
from django_eventstream.event import Event
from django_eventstream.utils import get_storage
from django_eventstream.views import Listener

from deployments.stream import event_log
from deployments.stream.stage_reader import StageReader
from web.streams.listener import (
    KEEP_ALIVE_FRAME,
    OPENING_FRAME,
    RIGHTS_CHECK_SECONDS,
    listen,
    take_events,
    wait_for_events,
)
from web.streams.table_watcher import watcher

_MOST = 1000  # events of one read

Still = Callable[[], Awaitable[bool]]


async def stream_events(
    channel: str, cursor: int | None, *, still_allowed: Still
) -> AsyncGenerator[bytes]:
    """Yield the channel's events after `cursor` (None: from now), each once and in order.

    A deployment's stream ends with its result; any ends when `still_allowed`, asked again and
    again while it is open, says no.
    """
    async with listen(channel) as listener:
        known = await _current(channel) if cursor is None else cursor
        yield OPENING_FRAME
        async with aclosing(_events(channel, known, listener, still_allowed)) as frames:
            async for frame in frames:
                yield frame


async def _events(
    channel: str, known: int, listener: Listener, still_allowed: Still
) -> AsyncGenerator[bytes]:
    found, asked = await _read(channel, known), monotonic()
    while True:
        fresh = [event for event in found if event.id is None or event.id > known]
        known = max([known, *(event.id for event in fresh if event.id)])
        if fresh:
            yield event_log.encode_all(fresh)
        if result := await _result(channel, known, fresh):
            yield result
            return
        if monotonic() - asked >= RIGHTS_CHECK_SECONDS:
            if not await still_allowed():
                return
            asked = monotonic()
        if len(found) == _MOST:  # there may be more to read before anything is waited for
            found = await _read(channel, known)
        elif await wait_for_events(listener):
            found = await _taken(channel, listener, known)
        else:
            yield KEEP_ALIVE_FRAME
            found = await _read(channel, known)


async def _taken(channel: str, listener: Listener, known: int) -> list[Event]:
    """Take what is queued; where something is missing before it, read the table instead."""
    queued, overflow = take_events(channel, listener)
    numbers = [event.id for event in queued if event.id is not None and event.id > known]
    gap = channel != event_log.ALL and numbers != list(range(known + 1, known + 1 + len(numbers)))
    return await _read(channel, known) if overflow or gap else queued


async def _read(channel: str, known: int) -> list[Event]:
    found: list[Event] = await database_sync_to_async(_stored)(channel, known)
    return found


def _stored(channel: str, known: int) -> list[Event]:
    return list(get_storage().get_events(channel, known, limit=_MOST))


async def _current(channel: str) -> int:
    return int(await database_sync_to_async(get_storage().get_current_id)(channel))


async def _result(channel: str, known: int, fresh: list[Event]) -> bytes:
    """Return the last event once the client has seen the last stage; b"" before."""
    if channel == event_log.ALL or (fresh and not any(map(event_log.is_last, fresh))):
        return b""
    return bytes(await database_sync_to_async(event_log.result_after)(channel, known))


watcher.watch(StageReader)
