"""The base of commands about the runs of one workflow."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.history import records
from deployments.models import Deployment
from runs.services import control
from runs.services.control import Refused
from runs.services.instances import NoRun, WorkflowRuns, deployment_runs, workflow_runs
from runs.services.payloads import read_payload
from targets.cloudflare.errors import DeployError
from targets.lookup import target_named
from targets.models import Target
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


@dataclass(frozen=True, slots=True)
class CommandScope:
    """The workflow and target of a command; None for the target where the workflow is live.

    `name` is one of several Workflows of a project, or "".
    """

    workflow: Workflow
    target: Target | None
    name: str = ""

    @property
    def live(self) -> Deployment:
        """The live deployment. Raises DeployError if there is none, NoRun for a script."""
        workflow_runs(self.workflow)
        return control.live_of(self.workflow, self.target)

    @property
    def runs(self) -> WorkflowRuns:
        """The runs, even of a workflow that is not live. Raises NoRun for a script, NoTarget."""
        default = workflow_runs(self.workflow, self.name)
        live = records.live(self.workflow.pk, self.target) if self.target else None
        return deployment_runs(live, self.name) if live else default


class RunCommand(BaseCommand):
    """A command about the runs of the workflow whose id is the first argument."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument(
            "--target", metavar="NAME", help="default: where the workflow was deployed last"
        )
        parser.add_argument(
            "--workflow-name",
            default="",
            metavar="NAME",
            help="which of several Workflows of a project; default: the first one",
        )

    def add_reason(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", default="", help="recorded in the audit trail")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            target = target_named(options["target"]) if options["target"] else None
            workflow, name = get_workflow(options["workflow"]), options["workflow_name"]
            self.run(CommandScope(workflow, target, name), options)
        except (DeployError, NoRun, WorkflowNotFound) as error:
            raise CommandError(str(error)) from None

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        """Run the command; subclasses override this."""
        raise NotImplementedError

    def print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))

    def confirm(self, question: str, *, answer: str) -> None:
        """Ask at the terminal; raises CommandError for another answer. Scripts are not asked."""
        if not sys.stdin.isatty():
            return
        self.stderr.write(question)
        if input().strip() != answer:
            raise CommandError("Not confirmed. Nothing was changed.")


def read_payload_option(text: str) -> Any:
    """Return the JSON value. Raises CommandError if it is invalid, saying where."""
    try:
        return read_payload(text)
    except Refused as error:
        raise CommandError(str(error)) from None
