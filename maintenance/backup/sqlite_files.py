"""Consistent copies of an SQLite database, and their replacement."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from maintenance.backup.manifest import InvalidBackup

# A session is enough to be logged in, so backups have none.
_LEFT_OUT: Final = ("django_session",)


def snapshot(database: Path, target: Path) -> tuple[str, ...]:
    """Copy the database as it is at this moment, and return its migrations.

    Writers continue meanwhile. `VACUUM INTO` copies no pages that are free, which may still contain
    rows that have been deleted; the backup API of SQLite would.
    """
    with _connected(database) as source:
        source.execute("VACUUM INTO ?", [str(target)])
    with _connected(target) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        for table in _LEFT_OUT:
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 - a name from this module
        return _migrations(copy)


def check(database: Path) -> tuple[str, ...]:
    """Check the file's structure, and return its migrations. Raises InvalidBackup."""
    try:
        with _connected(database) as connection:
            problems = connection.execute("PRAGMA quick_check(1)").fetchall()
            if problems != [("ok",)]:
                raise InvalidBackup("The database in the backup is damaged.")
            return _migrations(connection)
    except sqlite3.DatabaseError as error:
        raise InvalidBackup(f"The database in the backup cannot be read: {error}.") from None


def has_tables(database: Path) -> bool:
    if not database.exists():
        return False
    with _connected(database) as connection:
        return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def close_log(database: Path) -> bool:
    """Merge the write-ahead log into the file; return False if any process has the database open."""
    with _connected(database, timeout=1) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.OperationalError:
            return False
    return bool(mode == "delete")


def put_in_place(new: Path, database: Path, *, aside: Path | None) -> None:
    """Replace the database by a closed one; the former one is kept as `aside`."""
    if aside:
        database.replace(aside)
    for name in ("-wal", "-shm"):  # of an earlier process; `close_log` has merged them
        database.with_name(database.name + name).unlink(missing_ok=True)
    new.replace(database)
    folder = os.open(database.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _connected(path: Path, *, timeout: float = 20) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
        yield connection


def _migrations(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    return tuple(dict.fromkeys(f"{app}.{name}" for app, name in rows))
