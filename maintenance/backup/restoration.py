"""Restoring a backup: everything is checked and prepared in a copy, which then replaces the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from alerts.after_restore import drop_what_was_pending
from audit import trail
from audit.key_rotation import unreadable_secrets
from audit.trail import Actor, Subject
from deployments.models import Deployment
from deployments.queue import recovery
from maintenance.backup import archive, sqlite_files
from maintenance.backup.creation import ENGINE, check_engine
from maintenance.backup.manifest import InvalidBackup, Manifest, product_version
from maintenance.backup.work_folder import work_folder
from runs.bulk import claims
from runs.models import BulkChange, RunChange
from web.models import ElectedProcess

_MOST_NAMED: Final = 5


class NotEmpty(Exception):
    """There is already a database, or it is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored, what was ended by it, and which secrets no key of this installation decrypts.

    `aside` is where the former database is, if there was one.
    """

    manifest: Manifest
    migrated: int
    interrupted: Sequence[Deployment]
    cancelled: Sequence[Deployment]
    stopped: Sequence[BulkChange]
    unreadable: Sequence[str]
    aside: Path | None


def restore(path: Path, *, replace: bool, by: Actor) -> Restored:
    """Replace the database with that of the backup; nothing is changed unless all of it succeeds.

    Raises InvalidBackup, NotEmpty, NotSupported and AlreadyRunning.
    """
    check_engine()
    database = Path(connection.settings_dict["NAME"])
    with archive.opened(path) as opened, work_folder(settings.AWAITSTEP.data_dir) as folder:
        _check_manifest(opened.manifest)
        _check_installation(database, replace=replace)
        copy = folder / "database.sqlite3"
        opened.extract_database(copy)
        if sqlite_files.check(copy) != opened.manifest.migrations:
            raise InvalidBackup(
                "The database in the backup does not have the migrations of its manifest."
            )
        aside = _aside(database)
        with _as_default(copy):
            restored = _prepare(opened.manifest, aside, by=by)
        sqlite_files.close_log(copy)
        _check_installation(database, replace=replace)
        sqlite_files.put_in_place(copy, database, aside=aside)
    return restored


def _aside(database: Path) -> Path | None:
    """Return the path where the former database is kept; None if there is none."""
    if not sqlite_files.has_content(database):
        return None
    return database.with_name(f"{database.name}.before-restore-{timezone.now():%Y%m%dT%H%M%S}")


def _check_manifest(manifest: Manifest) -> None:
    if manifest.engine != ENGINE:
        raise InvalidBackup(
            f"The backup is of a {manifest.engine} database, and this one is {ENGINE}."
        )
    newer = sorted(set(manifest.migrations) - _known_migrations())
    if newer:
        more = f" and {len(newer) - _MOST_NAMED} more" if len(newer) > _MOST_NAMED else ""
        raise InvalidBackup(
            f"The backup was made by AwaitStep {manifest.version}, whose database is newer than that of "
            f"this version ({product_version()}). It has migrations that are unknown here: "
            f"{', '.join(newer[:_MOST_NAMED])}{more}. Update AwaitStep, then restore it."
        )


def _known_migrations() -> set[str]:
    """Return all migrations of this version, and those that were squashed into one."""
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    replaced = {pair for each in migrations.values() for pair in each.replaces}
    return {f"{app}.{name}" for app, name in {*migrations, *replaced}}


def _check_installation(database: Path, *, replace: bool) -> None:
    connection.close()
    if not sqlite_files.has_content(database):
        return
    if not replace:
        raise NotEmpty(
            f"There is already a database in {database.parent}. Use an empty data directory, or "
            "--replace to put the backup in its place. The former database is kept under another name."
        )
    if not sqlite_files.close_log(database):
        raise NotEmpty("AwaitStep is running with this database. Stop it, then restore the backup.")


@contextmanager
def _as_default(database: Path) -> Iterator[None]:
    """Let this process use another file as its database."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


def _prepare(manifest: Manifest, aside: Path | None, *, by: Actor) -> Restored:
    """Bring the copy up to date, and end what was in progress when the backup was made."""
    call_command("migrate", verbosity=0, interactive=False)
    interrupted, cancelled = recovery.end_restored()
    stopped = claims.end_restored()
    drop_what_was_pending()
    ElectedProcess.objects.all().delete()
    RunChange.objects.all().delete()
    restored = Restored(
        manifest=manifest,
        migrated=len(MigrationRecorder(connection).applied_migrations()) - len(manifest.migrations),
        interrupted=interrupted,
        cancelled=cancelled,
        stopped=stopped,
        unreadable=unreadable_secrets(),
        aside=aside,
    )
    trail.record(
        "backup restored",
        Subject("installation"),
        by=by,
        backup_of=manifest.created_at.isoformat(),
        interrupted=len(interrupted),
        cancelled=len(cancelled),
        stopped=len(stopped),
    )
    return restored
