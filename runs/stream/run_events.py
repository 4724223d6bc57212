"""Changes to runs as events that make open pages fetch their content again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db.models import Max
from django_eventstream.event import Event
from django_eventstream.views import Listener, ListenerManager

from runs.index import watchers
from runs.index.watchers import ALL, channel_of_run, channel_of_workflow
from runs.models import RunChange
from runs.permissions import VIEW
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

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_MAX_CHANGES: Final = 2000  # read at a time


def may_read(user: User | AnonymousUser | None) -> bool:
    """Whether the user may read the channels of runs: staff with the permission to view runs."""
    return bool(user and user.is_active and user.is_staff and user.has_perm(VIEW))


class Changes:
    """Sends new RunChange rows to the channels of the pages that show the runs."""

    def __init__(self) -> None:
        self.last = RunChange.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def read(self, listeners: ListenerManager) -> None:
        """Send an event to each channel whose runs have changed since the last call."""
        newer = RunChange.objects.filter(pk__gt=self.last).order_by("pk")
        rows = list(newer.values_list("pk", "run", "run__workflow")[:_MAX_CHANGES])
        if not rows:
            return
        self.last = rows[-1][0]
        for run in {row[1] for row in rows}:
            _send(listeners, channel_of_run(run), run)
        for workflow in {row[2] for row in rows if row[2]}:
            _send(listeners, channel_of_workflow(workflow), None)
        _send(listeners, ALL, None)


def _send(listeners: ListenerManager, channel: str, run: int | None) -> None:
    data = json.dumps({"run": run})
    listeners.add_to_queues(channel, Event(channel, "message", data, id=None))


watcher.watch(Changes)
_marked = SharedSilence(seconds=5)


async def stream_changes(
    channel: str, *, still_allowed: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[bytes]:
    """Yield an event for the changes on a channel, until the user loses the permission."""
    async with listen(channel) as listener:
        await _mark_watched(channel)
        yield opening_frame()
        with closing(RightsCheck(still_allowed, seconds=RIGHTS_CHECK_SECONDS)) as rights:
            while not rights.has_failed():
                is_woken = await wait_for_events(listener)
                yield _event(channel, listener) if is_woken else KEEP_ALIVE_FRAME
                if not is_woken:
                    await _mark_watched(channel)


async def _mark_watched(channel: str) -> None:
    """Record that a page is open, unless a stream of the same channel has just done so."""
    marking = partial(in_database, watchers.mark_watched, channel)
    await _marked.ask(channel, marking)


def _event(channel: str, listener: Listener) -> bytes:
    """Return one event for all that are queued; the page fetches its content once."""
    queued, _ = take_events(channel, listener)
    changes = [event for event in queued if event.type != OUTAGE]
    if queued and not changes:
        return f"event: {OUTAGE}\ndata: {{}}\n\n".encode()
    return f"data: {changes[-1].data}\n\n".encode() if changes else b""
