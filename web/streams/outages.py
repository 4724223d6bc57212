"""Informs all open pages that the embedded platform has stopped, or is running again."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django_eventstream.event import Event
from django_eventstream.views import ListenerManager

from toolchain import platform_outage
from web.streams.table_watcher import watcher

OUTAGE: Final = "outage"
"""The type of the event that makes a page fetch its content again; it has no id."""


class OutageReader:
    """Sends an event to every channel when an outage begins, becomes final or ends."""

    def __init__(self) -> None:
        self.version = _version()

    def read(self, listeners: ListenerManager) -> None:
        if self.version == (version := _version()):
            return
        self.version = version
        with listeners.lock:
            channels = list(listeners.listeners_by_channel)
        for channel in channels:
            listeners.add_to_queues(channel, Event(channel, OUTAGE, "{}", id=None))


def _version() -> int:
    return platform_outage.changed_at(settings.AWAITSTEP.data_dir)


watcher.watch_file(_version, OutageReader)
