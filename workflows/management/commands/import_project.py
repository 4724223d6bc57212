from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.documents.projects.files import (
    MAX_ARCHIVE_BYTES,
    InvalidProject,
    ReadProject,
    read_archive,
    read_folder,
)
from workflows.ir.reading.problems import InvalidIR
from workflows.management.commands.import_workflow import read_note
from workflows.project_problems import project_problems
from workflows.projects import import_project
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = "Import the files of a Worker with Workflows as a project, and print the workflow's id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source",
            metavar="FOLDER|FILE",
            help="a folder, a zip or tar archive (as `git archive` writes it), or - for standard input",
        )
        parser.add_argument(
            "--workflow", metavar="ID", help="replace the files of this project instead"
        )
        parser.add_argument(
            "--note", metavar="TEXT", default="", help="a note on the new version: what changed"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            into = get_workflow(options["workflow"]) if options["workflow"] else None
            note, read = read_note(options["note"]), _read(options["source"])
            for each in read.left_out:
                self.stderr.write(f"Left out: {each.path}: {each.reason}")
            workflow = import_project(read.files, into=into, by=command_line_actor(), note=note)
        except InvalidIR as invalid:
            self._fail(invalid.problems)
        except InvalidProject as invalid:
            self._fail(invalid.problems)
        except WorkflowNotFound as error:
            raise CommandError(str(error)) from None
        else:
            for problem in project_problems(workflow.files)[1]:
                self.stderr.write(f"Note: {problem}")
            self.stdout.write(workflow.pk)

    def _fail(self, problems: Iterable[object]) -> None:
        for problem in problems:
            self.stderr.write(str(problem))
        self.stderr.write("Nothing was imported.")
        sys.exit(1)


def _read(source: str) -> ReadProject:
    try:
        if source == "-":
            return read_archive(sys.stdin.buffer.read(MAX_ARCHIVE_BYTES + 1))
        path = Path(source)
        if path.is_dir():
            return read_folder(path)
        with path.open("rb") as file:
            return read_archive(file.read(MAX_ARCHIVE_BYTES + 1))
    except OSError as error:
        raise CommandError(f"{source} cannot be read: {error.strerror}.") from None
