"""One thread per process that notices what any process writes, and wakes the open streams."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from django.db import Error, connections
from django_eventstream.views import ListenerManager, get_listener_manager

from web.streams.changes import POLL, changes

logger = logging.getLogger(__name__)

THREAD_NAME = "table watcher"
_AFTER_ERROR = 1.0


class Reader(Protocol):
    """Reads what is new, such as the rows of a table, and passes it to the listeners."""

    def read(self, listeners: ListenerManager) -> None: ...


class TableWatcher:
    """Watches tables while anyone listens; its thread ends with the last listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._factories: list[Callable[[], Reader]] = []
        self._versions: list[Callable[[], int]] = []

    def watch(self, factory: Callable[[], Reader]) -> None:
        """Also watch a table; `factory` returns a reader that starts after the newest row."""
        self._factories.append(factory)

    def watch_file(self, version: Callable[[], int], factory: Callable[[], Reader]) -> None:
        """Also watch a file; `version` returns a number that changes whenever the file does."""
        self._versions.append(version)
        self._factories.append(factory)

    def ensure_running(self) -> None:
        """Start the thread if needed, and return once it watches: no later row will be missed.

        Call it after adding a listener, which keeps the thread alive.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._ready.clear()
                self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                self._thread.start()
        self._ready.wait(timeout=20)

    def _run(self) -> None:
        listeners: ListenerManager = get_listener_manager()
        readers: list[Reader] = []
        while True:
            try:
                self._watch(listeners, readers)
                break
            except Error:
                logger.exception("Could not read the watched tables; retrying")
                connections.close_all()
                time.sleep(_AFTER_ERROR)
        connections.close_all()

    def _watch(self, listeners: ListenerManager, readers: list[Reader]) -> None:
        """Read what is new until nobody listens; first, what was written before the call.

        The first call makes the readers, which the next one after an error continues with.
        """
        changed = changes()
        if not readers:
            readers.extend([factory() for factory in self._factories])
            self._ready.set()
        versions = None
        has_changed = True
        while self._is_needed(listeners):
            if has_changed or versions != (versions := [version() for version in self._versions]):
                for reader in readers:
                    reader.read(listeners)
            has_changed = changed.wait(POLL)

    def _is_needed(self, listeners: ListenerManager) -> bool:
        with self._lock:
            if listeners.listeners_by_channel:
                return True
            self._thread = None
            return False


watcher = TableWatcher()
