"""The test database after its migrations, restored after each test that commits transactions.

Django would flush every table and send `post_migrate`, which takes a hundred times as long as
copying the pages of the database.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.support.migrated_database import migrated_database
from tests.support.patience import PATIENCE
from web.streams.table_watcher import THREAD_NAME


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Let Django use a copy of a migrated database, after the migrations that it lacks: none."""
    copy = connection.settings_dict["TEST"]["NAME"]
    shutil.copyfile(migrated_database(), copy)
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create the database, and let tests restore it instead of flushing it."""
    migrated = sqlite3.connect(":memory:", check_same_thread=False)
    with django_db_blocker.unblock():
        connection.ensure_connection()
        connection.connection.backup(migrated)

    def restore(_: TransactionTestCase) -> None:
        _wait_for_table_watcher()
        connection.ensure_connection()
        migrated.backup(connection.connection, progress=_give_up_if_locked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", restore)
        yield
    migrated.close()


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
