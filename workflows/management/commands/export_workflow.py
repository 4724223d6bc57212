from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.exchange.exports import NotExported, export
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = "Export the drafts of workflows as a zip file, without the values of variables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflows", metavar="ID", nargs="+", help="the id of a workflow")
        parser.add_argument(
            "--output", metavar="FILE", required=True, help="the zip file, or - for standard output"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            workflows = [get_workflow(id_) for id_ in dict.fromkeys(options["workflows"])]
            exported = export(workflows, by=command_line_actor())
        except (WorkflowNotFound, NotExported) as error:
            raise CommandError(str(error)) from None
        write_output(options["output"], exported.data)


def write_output(name: str, data: bytes) -> None:
    """Write the data to a file, or to standard output for -. Raises CommandError."""
    if name == "-" and sys.stdout.isatty():
        raise CommandError("A zip file cannot be shown in a terminal: redirect it, or name a file.")
    try:
        if name == "-":
            sys.stdout.buffer.write(data)
        else:
            Path(name).write_bytes(data)
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from None
