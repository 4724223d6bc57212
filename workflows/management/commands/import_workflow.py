from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.draft_problems import draft_problems
from workflows.exchange.awaitstep.conversion import convert
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.validation.validate import read_json
from workflows.node_types.registered import types_for
from workflows.services import WorkflowNotFound, get_workflow, import_document


class Command(BaseCommand):
    help = "Import a document (IR) as a new workflow and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")
        parser.add_argument(
            "--workflow", metavar="ID", help="replace the draft of this workflow instead"
        )
        parser.add_argument(
            "--entry-code", metavar="FILE", help="a TypeScript file with the workflow's entry code"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            into = get_workflow(options["workflow"]) if options["workflow"] else None
            document = read_json(_read(options["file"]))
            converted = convert(
                document, types_for(document), entry_code=_entry_code(options["entry_code"])
            )
            converted.check()
            workflow = import_document(
                converted.document,
                entry_code=converted.entry_code,
                settings=converted.settings,
                into=into,
                by=command_line_actor(),
            )
        except InvalidIR as invalid:
            for problem in invalid.problems:
                self.stderr.write(str(problem))
            sys.exit(1)
        except WorkflowNotFound as error:
            raise CommandError(str(error)) from None
        for rewrite in converted.rewrites:
            self.stderr.write(f"Changed: {rewrite}")
        for problem in (*converted.problems, *draft_problems(workflow)):
            kind = "A deploy would fail" if problem.is_error else "Warning"
            self.stderr.write(f"{kind}: {problem}")
        self.stdout.write(workflow.pk)


def _entry_code(name: str | None) -> str | None:
    try:
        return None if name is None else _read(name).decode()
    except UnicodeDecodeError:
        raise CommandError(f"{name} is not UTF-8 text.") from None


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
