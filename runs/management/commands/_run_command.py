from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.errors import DeployError
from runs.services import NoRun, Runs, runs_of
from workflows.models import Workflow


class RunCommand(BaseCommand):
    """A command about the runs of the workflow whose id comes first."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")

    def handle(self, *_args: Any, **options: Any) -> None:
        workflow = Workflow.objects.filter(pk=options["workflow"]).first()
        if workflow is None:
            raise CommandError(f"There is no workflow {options['workflow']!r}.")
        try:
            self.about(runs_of(workflow), options)
        except (DeployError, NoRun) as refusal:
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
