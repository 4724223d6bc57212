"""Consistent copies of an SQLite database, and their replacement."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from maintenance.backup.manifest import InvalidBackup

_HEADER: Final = b"SQLite format 3\0"
# A session is enough to be logged in, so backups have none.
_LEFT_OUT: Final = ("django_session",)


def snapshot(database: Path, target: Path) -> tuple[str, ...]:
    """Copy the database as it is at this moment, and return its migrations.

    Writers are not blocked. `VACUUM INTO` does not copy free pages, which may still contain deleted
    rows; SQLite's backup API would.
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


def has_content(database: Path) -> bool:
    """Return whether there is anything in the file, which may be a damaged database."""
    if not database.exists():
        return False
    if not _is_readable(database):
        return True
    try:
        with _connected(database) as connection:
            return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError:
        return True


def close_log(database: Path) -> bool:
    """Merge the write-ahead log into the file; return False if any process has the database open.

    The log of a damaged database that cannot be merged stays.
    """
    if not _is_readable(database):
        return True
    try:
        with _connected(database, timeout=1) as connection:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True
    return bool(mode == "delete")


def _is_readable(database: Path) -> bool:
    """Return whether the file starts like a database, or is empty.

    SQLite must not open others: it deletes their logs when it closes them.
    """
    with database.open("rb") as file:
        return file.read(len(_HEADER)) in (b"", _HEADER)


def put_in_place(new: Path, database: Path, *, aside: Path | None) -> None:
    """Replace the database with a closed one; the former one is kept as `aside`, with a log that stayed.

    There is a database at every moment, because one rename replaces it.
    """
    if aside:
        _keep(database, aside)
    for suffix in ("-wal", "-shm"):
        log = database.with_name(database.name + suffix)
        if aside and log.exists():
            log.replace(aside.with_name(aside.name + suffix))
        log.unlink(missing_ok=True)
    new.replace(database)
    folder = os.open(database.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep(database: Path, aside: Path) -> None:
    """Give the file another name, too, or copy it where the file system has no hard links."""
    try:
        os.link(database, aside)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(database, aside)
        with aside.open("rb+") as copy:
            os.fsync(copy.fileno())


@contextmanager
def _connected(path: Path, *, timeout: float = 20) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
        yield connection


def _migrations(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    return tuple(dict.fromkeys(f"{app}.{name}" for app, name in rows))
