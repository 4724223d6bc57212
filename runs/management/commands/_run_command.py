from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.errors import DeployError
from runs.services import NoRun, Runs, runs_of
from workflows.services import NoWorkflow, workflow_of


class RunCommand(BaseCommand):
    """A command about the runs of the workflow whose id comes first."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.about(runs_of(workflow_of(options["workflow"])), options)
        except (DeployError, NoRun, NoWorkflow) as refusal:
            raise CommandError(str(refusal)) from None

    def about(self, runs: Runs, options: dict[str, Any]) -> None:
        raise NotImplementedError

    def print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))


def payload(text: str) -> Any:
    """Return the JSON value; raises CommandError that says where it is wrong."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"The payload is not JSON: {error}") from None
