"""Noticing that another process has written to the database."""

from __future__ import annotations

import time
from typing import Final, Protocol

from django.db import OperationalError, connection

POLL: Final = 0.025  # seconds; a poll of SQLite takes 3 microseconds
CHANNEL: Final = "awaitstep"
"""The channel of PostgreSQL's notifications, sent by the triggers of web.streams.insert_triggers."""


class Changes(Protocol):
    """What a thread waits for. It uses the thread's own connection to the database."""

    def wait(self, seconds: float) -> bool:
        """Wait for a commit, for at most about this long; return whether there may have been one.

        Raises django.db.Error if the connection is lost. Commits until the next object is made go
        unnoticed: read the tables again.
        """
        ...


def changes() -> Changes:
    """Return the changes from now on, on a connection that the caller closes."""
    return PostgresChanges() if connection.vendor == "postgresql" else SqliteChanges()


class SqliteChanges:
    """Polls a number that changes when another connection commits."""

    def __init__(self) -> None:
        self._version = _data_version()

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (version := _data_version()) == self._version:
            if time.monotonic() >= end:
                return False
            time.sleep(POLL)
        self._version = version
        return True


class PostgresChanges:
    """Listens for the notifications of the tables that have a trigger."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self._connection = connection.connection

    def wait(self, seconds: float) -> bool:
        if connection.connection is not self._connection:
            raise OperationalError("the connection that listened was closed")
        with connection.wrap_database_errors:
            return bool(list(self._connection.notifies(timeout=seconds, stop_after=1)))


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])
