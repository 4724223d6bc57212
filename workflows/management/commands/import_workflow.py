from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.documents.archive.zip_files import is_zip
from workflows.documents.awaitstep.conversion import convert
from workflows.draft_problems import draft_problems
from workflows.editing.document.refusals import Refused
from workflows.exchange.candidates import Upload, prepare
from workflows.exchange.imports import NotImported, import_new
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.ir.validation.validate import read_json
from workflows.models import Workflow
from workflows.node_types.registered import types_for
from workflows.services import WorkflowNotFound, get_workflow, import_document
from workflows.versions import clean_note


class Command(BaseCommand):
    help = "Import a document (IR), or exported workflows, as new workflows and print their ids."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="a JSON file or an exported zip, or - for standard input"
        )
        parser.add_argument(
            "--workflow", metavar="ID", help="replace the draft of this workflow instead"
        )
        parser.add_argument(
            "--entry-code", metavar="FILE", help="a TypeScript file with the workflow's entry code"
        )
        parser.add_argument(
            "--note", metavar="TEXT", default="", help="a note on the new version: what changed"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            data, entry_code = _read(options["file"]), _entry_code(options["entry_code"])
            note = read_note(options["note"])
            into = get_workflow(options["workflow"]) if options["workflow"] else None
            if is_zip(data):
                if note:
                    raise CommandError("Only a document can have a note. Leave out --note.")
                self._import_zip(options["file"], data, entry_code, into)
            else:
                self._import_document(data, entry_code, into, note)
        except InvalidIR as invalid:
            self._fail(invalid.problems)
        except NotImported as error:
            self._fail(error.problems)
        except WorkflowNotFound as error:
            raise CommandError(str(error)) from None

    def _fail(self, problems: Iterable[object]) -> None:
        for problem in problems:
            self.stderr.write(str(problem))
        sys.exit(1)

    def _import_document(
        self, data: bytes, entry_code: str | None, into: Workflow | None, note: str
    ) -> None:
        document = read_json(data)
        converted = convert(document, types_for(document), entry_code=entry_code)
        converted.check()
        workflow = import_document(
            converted.document,
            entry_code=converted.entry_code,
            settings=converted.settings,
            into=into,
            by=command_line_actor(),
            note=note,
        )
        newest = workflow.newest_version
        if note and newest.note != note:
            same = f"Nothing has changed since v{newest.number}, so there is no new version"
            self.stderr.write(f"{same} with this note.")
        for rewrite in converted.rewrites:
            self.stderr.write(f"Changed: {rewrite}")
        self._warn([*converted.problems, *draft_problems(workflow)])
        self.stdout.write(workflow.pk)

    def _import_zip(
        self, name: str, data: bytes, entry_code: str | None, into: Workflow | None
    ) -> None:
        if into:
            raise CommandError("An exported zip creates new workflows. Leave out --workflow.")
        uploads = [Upload(name=name, data=data)]
        preparation = prepare(uploads, entry_code=entry_code, may_load_types=True)
        workflows = import_new(preparation, by=command_line_actor())
        for candidate, workflow in zip(preparation.candidates, workflows, strict=True):
            problems = [*candidate.deploy_errors, *candidate.warnings]
            self._warn(problems, f"{candidate.source}: ")
            self.stdout.write(workflow.pk)

    def _warn(self, problems: Iterable[Problem], where: str = "") -> None:
        for problem in problems:
            kind = "A deploy would fail" if problem.is_error else "Warning"
            self.stderr.write(f"{kind}: {where}{problem}")


def read_note(text: str) -> str:
    """Return the note on a version. Raises CommandError if it cannot be stored."""
    try:
        text.encode()
        return clean_note(text)
    except UnicodeEncodeError:
        raise CommandError("The note is not UTF-8 text.") from None
    except Refused as refused:
        raise CommandError(str(refused)) from None


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
