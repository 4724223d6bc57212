"""One reader per process: it sees rows that any process has written, and wakes the open streams."""

from __future__ import annotations

import logging
import threading
import time

from django.db import DatabaseError, connection, connections
from django.db.models import Max
from django_eventstream.views import ListenerManager, get_listener_manager

from deployments import events
from deployments.models import Deployment, StageRecord

logger = logging.getLogger(__name__)

POLL = 0.025  # seconds; asking takes 3 microseconds
_AFTER_ERROR = 1.0


class Tail:
    """Follows the tables while anybody listens; its thread ends with the last listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()

    def ensure(self) -> None:
        """Return once rows are followed: whoever reads the table after that misses none.

        Call it after a listener was added, which keeps the thread alive.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._ready.clear()
                self._thread = threading.Thread(target=self._follow, name="tail", daemon=True)
                self._thread.start()
        self._ready.wait(timeout=20)

    def _follow(self) -> None:
        listeners: ListenerManager = get_listener_manager()
        reader = _Reader()
        self._ready.set()
        while self._goes_on(listeners):
            try:
                reader.read(listeners)
                time.sleep(POLL)
            except DatabaseError:
                logger.exception("the event reader could not read; it goes on")
                connections.close_all()
                time.sleep(_AFTER_ERROR)
        connections.close_all()

    def _goes_on(self, listeners: ListenerManager) -> bool:
        with self._lock:
            if listeners.listeners_by_channel:
                return True
            self._thread = None
            return False


class _Reader:
    """What has been read so far. It starts at the newest rows: streams read older ones themselves."""

    def __init__(self) -> None:
        self.version = -1
        self.record = StageRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
        self.deployment = Deployment.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def read(self, listeners: ListenerManager) -> None:
        version = _data_version()
        if version == self.version:
            return
        self.version = version
        for pk in _newer_deployments(self.deployment):
            self.deployment = pk
            listeners.add_to_queues(events.ALL, events.queued_event(pk))
        for record in StageRecord.objects.filter(pk__gt=self.record).order_by("pk"):
            self.record = record.pk
            stage = events.stage_event(record)
            listeners.add_to_queues(stage.channel, stage)
            listeners.add_to_queues(events.ALL, events.change_event(record))


def _newer_deployments(pk: int) -> list[int]:
    newer = Deployment.objects.filter(pk__gt=pk).order_by("pk")
    return list(newer.values_list("pk", flat=True))


def _data_version() -> int:
    """Return a number that differs once another connection has committed."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


tail = Tail()
