"""A channel as a stream of server-sent events: stored events after the cursor, then new ones.

django-eventstream's own `stream()` sends some events twice when one arrives during a read. The loop
here keeps the cursor itself, and uses the package for listeners, storage and channel permissions.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, closing
from functools import partial

from django_eventstream.event import Event
from django_eventstream.utils import get_storage
from django_eventstream.views import Listener

from deployments.stream import event_log
from deployments.stream.stage_reader import StageReader
from web.streams.database_thread import in_database
from web.streams.listener import (
    KEEP_ALIVE_FRAME,
    RIGHTS_CHECK_SECONDS,
    RightsCheck,
    SharedSilence,
    listen,
    opening_frame,
    take_events,
    wait_for_events,
)
from web.streams.outages import OUTAGE
from web.streams.table_watcher import watcher

_READ_LIMIT = 1000  # events of one read
_FOR_PAGES = (event_log.ROWS, OUTAGE)

_silence = SharedSilence(seconds=5)

Still = Callable[[], Awaitable[bool]]


async def stream_events(
    channel: str,
    cursor: int | None,
    *,
    still_allowed: Still,
    for_page: bool = False,
    is_named: bool = False,
) -> AsyncGenerator[bytes]:
    """Yield the channel's events after `cursor` (None: from now on), each once and in order.

    With `is_named`, each stage is preceded by the same one as an event with a name. A page also gets the HTML of the rows that a new stage changes, and outages of the platform. A
    deployment's stream ends with its result. Any stream ends when `still_allowed`, called regularly,
    returns False.
    """
    async with listen(channel) as listener:
        last_id = await _current(channel) if cursor is None else cursor
        yield opening_frame()
        async with aclosing(_events(channel, last_id, listener, still_allowed)) as events:
            async for fresh in events:
                if isinstance(fresh, bytes):
                    yield fresh
                elif frames := _encode(fresh, for_page=for_page, is_named=is_named):
                    yield frames


def _encode(events: Iterable[Event], *, for_page: bool, is_named: bool) -> bytes:
    return b"".join(
        event_log.encode_named(event) + event_log.encode(event)
        if is_named and event.type == event_log.STAGE
        else event_log.encode(event)
        for event in events
        if for_page or event.type not in _FOR_PAGES
    )


async def _events(
    channel: str, last_id: int, listener: Listener, still_allowed: Still
) -> AsyncGenerator[list[Event] | bytes]:
    """Yield new events, and frames of other kinds."""
    rights = RightsCheck(still_allowed, seconds=RIGHTS_CHECK_SECONDS)
    events = await _read(channel, last_id)
    with closing(rights):
        while not rights.has_failed():
            fresh = [event for event in events if event.id is None or event.id > last_id]
            last_id = max([last_id, *(event.id for event in fresh if event.id)])
            if fresh:
                yield fresh
            if result := await _result(channel, last_id, fresh):
                yield result
                return
            if len(events) == _READ_LIMIT:  # there may be more to read
                events = await _read(channel, last_id)
            elif await wait_for_events(listener):
                events = await _next_events(channel, listener, last_id)
            else:
                yield KEEP_ALIVE_FRAME
                reading = partial(_read, channel, last_id)
                events = await _silence.ask((channel, last_id), reading) or []


async def _next_events(channel: str, listener: Listener, last_id: int) -> list[Event]:
    """Return the queued events; if earlier ones are missing, read the table instead."""
    queued, overflow = take_events(channel, listener)
    numbers = [event.id for event in queued if event.id is not None and event.id > last_id]
    gap = channel != event_log.ALL and numbers != list(
        range(last_id + 1, last_id + 1 + len(numbers))
    )
    return await _read(channel, last_id) if overflow or gap else queued


async def _read(channel: str, last_id: int) -> list[Event]:
    events: list[Event] = await in_database(_stored, channel, last_id)
    return events


def _stored(channel: str, last_id: int) -> list[Event]:
    return list(get_storage().get_events(channel, last_id, limit=_READ_LIMIT))


async def _current(channel: str) -> int:
    return int(await in_database(get_storage().get_current_id, channel))


async def _result(channel: str, last_id: int, fresh: list[Event]) -> bytes:
    """Return the result once the client has seen the last stage; b"" before."""
    if channel == event_log.ALL or (fresh and not any(map(event_log.is_last, fresh))):
        return b""
    reading = partial(in_database, event_log.result_after, channel, last_id)
    if fresh:
        return bytes(await reading())
    return await _silence.ask(("result", channel, last_id), reading) or b""


watcher.watch(StageReader)
