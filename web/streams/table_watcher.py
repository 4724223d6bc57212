"""One reader per process: it sees rows that any process has written, and wakes the open streams."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from django.db import DatabaseError, connection, connections
from django_eventstream.views import ListenerManager, get_listener_manager

logger = logging.getLogger(__name__)

POLL = 0.025  # seconds; asking takes 3 microseconds
_AFTER_ERROR = 1.0


class Reader(Protocol):
    """Reads the rows of a table that are new to it, and gives them to the listeners."""

    def read(self, listeners: ListenerManager) -> None: ...


class Tail:
    """Follows the tables while anybody listens; its thread ends with the last listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._makers: list[Callable[[], Reader]] = []

    def follow(self, make: Callable[[], Reader]) -> None:
        """Also follow a table; `make` returns a reader that starts at the newest rows."""
        self._makers.append(make)

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
        readers, version = [make() for make in self._makers], -1
        self._ready.set()
        while self._goes_on(listeners):
            try:
                if version != (version := _data_version()):
                    for reader in readers:
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


def _data_version() -> int:
    """Return a number that differs once another connection has committed."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


tail = Tail()
