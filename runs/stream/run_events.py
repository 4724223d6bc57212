"""Changes of runs as events: small nudges to open pages, which then fetch what they show."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

from channels.db import database_sync_to_async
from django.db.models import Max
from django_eventstream.event import Event
from django_eventstream.views import Listener, ListenerManager

from runs.index import watchers
from runs.index.watchers import ALL, channel_of_run, channel_of_workflow
from runs.models import RunChange
from runs.permissions import VIEW
from web.streams.listener import (
    KEEP_ALIVE_FRAME,
    OPENING_FRAME,
    RIGHTS_CHECK_SECONDS,
    listen,
    take_events,
    wait_for_events,
)
from web.streams.table_watcher import watcher

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_MOST: Final = 2000  # changes of one reading


def may_read(user: User | AnonymousUser | None) -> bool:
    """Who may see runs may read their channels; the pages are for staff."""
    return bool(user and user.is_active and user.is_staff and user.has_perm(VIEW))


class Changes:
    """Gives the rows that say that a run has changed to the channels of its pages."""

    def __init__(self) -> None:
        self.last = RunChange.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def read(self, listeners: ListenerManager) -> None:
        newer = RunChange.objects.filter(pk__gt=self.last).order_by("pk")
        rows = list(newer.values_list("pk", "run", "run__workflow")[:_MOST])
        if not rows:
            return
        self.last = rows[-1][0]
        for run in {row[1] for row in rows}:
            _give(listeners, channel_of_run(run), run)
        for workflow in {row[2] for row in rows if row[2]}:
            _give(listeners, channel_of_workflow(workflow), None)
        _give(listeners, ALL, None)


def _give(listeners: ListenerManager, channel: str, run: int | None) -> None:
    data = json.dumps({"run": run})
    listeners.add_to_queues(channel, Event(channel, "message", data, id=None))


watcher.watch(Changes)


async def follow(
    channel: str, *, still_allowed: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[bytes]:
    """Yield a nudge for each change on the channel, several at once as one, until the right ends."""
    async with listen(channel) as listener:
        await database_sync_to_async(watchers.show)(channel)
        yield OPENING_FRAME
        asked = monotonic()
        while True:
            is_woken = await wait_for_events(listener)
            yield _nudge(channel, listener) if is_woken else KEEP_ALIVE_FRAME
            if not is_woken:
                await database_sync_to_async(watchers.show)(channel)
            if monotonic() - asked >= RIGHTS_CHECK_SECONDS:
                if not await still_allowed():
                    return
                asked = monotonic()


def _nudge(channel: str, listener: Listener) -> bytes:
    """Take all that is queued: whatever it was, the page has one thing to do."""
    queued, _ = take_events(channel, listener)
    return f"data: {queued[-1].data}\n\n".encode() if queued else b""
