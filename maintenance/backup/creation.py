"""Making a backup while the server runs and deploys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit import trail
from audit.trail import Actor, Subject
from maintenance.backup import archive, sqlite_files
from maintenance.backup.manifest import Manifest, StoredFile, product_version
from maintenance.backup.work_folder import work_folder

ENGINE: Final = "sqlite"


class NotSupported(Exception):
    """The database is not one that AwaitStep backs up itself."""


def create_backup(path: Path, *, by: Actor) -> Manifest:
    """Write a backup to a new file and record it in the audit trail.

    Raises FileExistsError, NotSupported and AlreadyRunning.
    """
    check_engine()
    if path.exists():
        raise FileExistsError(path)
    with work_folder(settings.AWAITSTEP.data_dir) as folder:
        created_at = timezone.now()
        copy = folder / "database.sqlite3"
        migrations = sqlite_files.snapshot(Path(connection.settings_dict["NAME"]), copy)

        def describe(database: StoredFile) -> Manifest:
            return Manifest(
                version=product_version(),
                created_at=created_at,
                engine=ENGINE,
                migrations=migrations,
                database=database,
            )

        manifest = archive.write(path, copy, describe)
    trail.record("backup made", Subject("installation", name=path.name), by=by)
    return manifest


def check_engine() -> None:
    """Raise NotSupported unless the database is SQLite."""
    if connection.vendor != ENGINE:
        raise NotSupported(
            f"This command is for SQLite, and the database is {connection.display_name}: use its own "
            "tools, such as pg_dump and pg_restore. Keep the encryption key separately from the dump."
        )
