"""The test database after its migrations, restored after each test that commits transactions.

Django would flush every table and send `post_migrate`, which takes a hundred times as long as
copying the pages or the rows of the database.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from typing import Protocol

import pytest
from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.support.databases.migrated_database import migrated_database, migrated_template
from tests.support.environment import postgresql
from tests.support.patience import PATIENCE
from web.streams.table_watcher import THREAD_NAME


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Let Django use a copy of a migrated database, after the migrations that it lacks: none."""
    if server := postgresql():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template(server)
        return True  # it ends with the server
    copy = connection.settings_dict["TEST"]["NAME"]
    shutil.copyfile(migrated_database(), copy)
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create the database, and let tests restore it instead of flushing it."""
    with django_db_blocker.unblock():
        connection.ensure_connection()
        is_sqlite = connection.vendor == "sqlite"
        copy: Copy = SqliteCopy() if is_sqlite else PostgresqlCopy()

    def restore(_: TransactionTestCase) -> None:
        _wait_for_table_watcher()
        connection.ensure_connection()
        copy.restore()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", restore)
        yield


class Copy(Protocol):
    def restore(self) -> None: ...


class SqliteCopy:
    """A copy of all pages."""

    def __init__(self) -> None:
        self._migrated = sqlite3.connect(":memory:", check_same_thread=False)
        connection.connection.backup(self._migrated)

    def restore(self) -> None:
        self._migrated.backup(connection.connection, progress=_give_up_if_locked)


class PostgresqlCopy:
    """A copy of all rows. Ids start again at 1, as SQLite's do, because pages and tests show them."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}
        with connection.cursor() as cursor:
            self._tables = connection.introspection.table_names(cursor)
            for table in self._tables:
                with cursor.copy(f'COPY "{table}" TO STDOUT') as copied:
                    if rows := b"".join(map(bytes, copied)):
                        self._rows[table] = rows
            self._sequences = connection.ops.sequence_reset_sql(no_style(), apps.get_models())

    def restore(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            names = ", ".join(f'"{table}"' for table in self._tables)
            cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            for table, rows in self._rows.items():
                with cursor.copy(f'COPY "{table}" FROM STDIN') as copied:
                    copied.write(rows)
            for statement in self._sequences:
                cursor.execute(statement)


def _wait_for_table_watcher() -> None:
    """Wait for the thread to end, because it would look for ids above those of the deleted rows."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(timeout=PATIENCE)
            assert not thread.is_alive(), "a test left an event stream open"


def _give_up_if_locked(status: int, _remaining: int, _total: int) -> None:
    """Fail after the connection's own timeout; sqlite3 would try forever."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("a test left the database locked")
