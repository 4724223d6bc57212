from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from audit.trail import command_line_actor
from maintenance.backup.creation import NotSupported, create_backup
from maintenance.backup.work_folder import AlreadyRunning


class Command(BaseCommand):
    help = (
        "Write a backup of the database to a new file, while the server runs. Keys, sessions and the "
        "state of the embedded platform are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="a file that does not exist yet"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path = options["file"].absolute()
        try:
            create_backup(path, by=command_line_actor())
        except FileExistsError:
            raise CommandError(f"{path} already exists. Choose another name.") from None
        except OSError as error:
            raise CommandError(f"The backup cannot be written: {error}.") from None
        except (NotSupported, AlreadyRunning) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"Wrote {path} ({filesizeformat(path.stat().st_size)}).\n"
            "It does not contain the encryption key, without which its secrets cannot be read. Keep the "
            "key in another place: AWAITSTEP_ENCRYPTION_KEYS, or keys/ of the data directory."
        )
