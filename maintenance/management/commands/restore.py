from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize

from audit.trail import command_line_actor
from maintenance.backup.creation import NotSupported
from maintenance.backup.manifest import InvalidBackup
from maintenance.backup.restoration import NotEmpty, Restored, restore
from maintenance.backup.work_folder import AlreadyRunning

_LOST = """
Not in the backup:
- what happened after it was made, and the output of programs that were running then
- sessions: everyone has to log in again
- the steps and outputs of runs that only their target has; AwaitStep reads them from there
- the Workers, runs and resources of the embedded platform: deploy them again
What runs on your accounts was not changed. Check for drift before you deploy: something may have been
deployed after the backup was made."""


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty data directory. Backups of earlier versions are migrated. "
        "Deployments that were running become interrupted, and those that were waiting are cancelled."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a file that `backup` wrote")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="replace the database of this installation, which must not be running",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            restored = restore(options["file"], replace=options["replace"], by=command_line_actor())
        except OSError as error:
            raise CommandError(f"The backup cannot be read: {error}.") from None
        except (InvalidBackup, NotEmpty, NotSupported, AlreadyRunning) as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        self.stdout.write("\n".join(_lines(restored)))


def _lines(restored: Restored) -> Iterator[str]:
    manifest = restored.manifest
    yield f"Restored the backup of {manifest.created_at:%Y-%m-%d %H:%M:%S %Z}, made by AwaitStep {manifest.version}."
    if restored.migrated:
        yield f"Applied {restored.migrated} migration{pluralize(restored.migrated)}."
    if restored.aside:
        yield f"The former database is {restored.aside}."
    for deployment in restored.interrupted:
        yield f"Interrupted, because it was running: {deployment}"
    for deployment in restored.cancelled:
        yield f"Cancelled, because it was waiting: {deployment}"
    for change in restored.stopped:
        yield f"Stopped before it was complete: {change}"
    yield _LOST
    if restored.unreadable:
        yield ""
        yield "No key of this installation decrypts these secrets:"
        yield from (f"- {secret}" for secret in restored.unreadable)
        yield (
            "Put the keys of the backed-up installation into AWAITSTEP_ENCRYPTION_KEYS, or into "
            "keys/encryption of the data directory, or enter the values again."
        )
    else:
        yield "All secrets can be decrypted with the keys of this installation."
