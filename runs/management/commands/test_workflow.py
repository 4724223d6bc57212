from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from runs.models import TestResult
from runs.saved_tests.execution import run_test, saved_tests
from runs.test_runs.draft_request import Runnable
from runs.test_runs.services import check_not_project
from targets.cloudflare.errors import DeployError
from workflows.documents.saved_tests.model import SavedTest
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.models import WorkflowVersion
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = "Run the saved tests of a workflow on the embedded platform. Exits with 1 if one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument(
            "--saved-version",
            type=int,
            metavar="N",
            dest="number",
            help="test a version, not the draft",
        )
        parser.add_argument(
            "--test",
            action="append",
            default=[],
            metavar="NAME",
            help="run only this test; can be given several times",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON line for each test")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            runnable = _runnable(options["workflow"], options["number"])
            check_not_project(runnable.kind)
            tests = _chosen(saved_tests(runnable), options["test"])
            results = [
                self._run(runnable, test, as_json=options["json"]) for test in tests.values()
            ]
        except (DeployError, InvalidTests, WorkflowNotFound) as error:
            raise CommandError(str(error)) from None
        failed = sum(not result.passed for result in results)
        if not options["json"]:
            self.stdout.write(f"{len(results) - failed} passed, {failed} failed.")
        if failed:
            sys.exit(1)

    def _run(self, runnable: Runnable, test: SavedTest, *, as_json: bool) -> TestResult:
        result = run_test(runnable, test, by=command_line_actor())
        messages = [each["message"] for each in result.differences]
        if as_json:
            self.stdout.write(json.dumps(result.as_json(), ensure_ascii=False))
        else:
            state = "passed" if result.passed else "FAILED"
            self.stdout.write(f"{state}  {test.name}  ({result.seconds:.1f} s)")
            for message in messages:
                self.stdout.write(f"        {message}")
        self.stdout.flush()
        return result


def _runnable(workflow_id: str, number: int | None) -> Runnable:
    try:
        return Runnable.numbered(get_workflow(workflow_id), number)
    except WorkflowVersion.DoesNotExist:
        raise CommandError(f"The workflow has no version {number}.") from None


def _chosen(tests: dict[str, SavedTest], names: list[str]) -> dict[str, SavedTest]:
    for name in names:
        if name not in tests:
            raise CommandError(f"There is no test {name!r}.")
    if not tests:
        raise CommandError("This workflow has no tests. Save a test run as a test in the editor.")
    return {name: test for name, test in tests.items() if not names or name in names}
