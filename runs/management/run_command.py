from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import Actor, command_line_actor
from deployments.history import records
from deployments.models import Deployment
from runs.services import control
from runs.services.control import Refused
from runs.services.instances import NoRun, Runs, runs_of, runs_on
from runs.services.payloads import read_payload
from targets.cloudflare.errors import DeployError
from targets.lookup import target_named
from targets.models import Target
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


@dataclass(frozen=True, slots=True)
class Place:
    """A workflow, and the target that was named; without one it is where the workflow is live."""

    workflow: Workflow
    target: Target | None

    @property
    def live(self) -> Deployment:
        """What is live there; raises DeployError where nothing is, NoRun for a script."""
        runs_of(self.workflow)
        return control.live_of(self.workflow, self.target)

    @property
    def runs(self) -> Runs:
        """The runs there, also of what is not live. Raises NoRun for a script, NoTarget."""
        usual = runs_of(self.workflow)
        live = records.live(self.workflow.pk, self.target) if self.target else None
        return runs_on(live) if live else usual


class RunCommand(BaseCommand):
    """A command about the runs of the workflow whose id comes first."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument(
            "--target", metavar="NAME", help="default: where the workflow went live last"
        )

    def add_reason(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", default="", help="why; it is kept on the audit trail")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            target = target_named(options["target"]) if options["target"] else None
            self.about(Place(get_workflow(options["workflow"]), target), options)
        except (DeployError, NoRun, WorkflowNotFound) as refusal:
            raise CommandError(str(refusal)) from None

    def about(self, place: Place, options: dict[str, Any]) -> None:
        raise NotImplementedError

    def print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))

    def ask(self, question: str, *, answer: str) -> None:
        """Ask at the terminal; raises CommandError for another answer. A script is not asked."""
        if not sys.stdin.isatty():
            return
        self.stderr.write(question)
        if input().strip() != answer:
            raise CommandError("That is another answer: nothing was changed.")


def me() -> Actor:
    """Return who acts: a command has no user of the product."""
    return command_line_actor()


def payload(text: str) -> Any:
    """Return the JSON value; raises CommandError that says where it is wrong."""
    try:
        return read_payload(text)
    except Refused as refused:
        raise CommandError(str(refused)) from None
