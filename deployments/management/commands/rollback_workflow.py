from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from deployments.management.deployment_command import (
    DeploymentCommand,
    consent_of,
    earlier_deployment,
    target_of,
)
from deployments.models import Deployment
from deployments.services import control
from workflows.models import Workflow
from workflows.services import get_workflow


class Command(DeploymentCommand):
    help = "Roll back to an earlier deployment, cancelling a queued or running one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument(
            "--to",
            metavar="DEPLOYMENT",
            type=int,
            help="default: the deployment that was live before",
        )
        parser.add_argument(
            "--target", metavar="NAME", help="default: the target of --to, or the default target"
        )
        parser.add_argument("--reason", default="", help="stored with the deployment")
        self.add_consent(parser)
        self.add_json(parser)

    def request(self, options: dict[str, Any]) -> Deployment:
        workflow, number = get_workflow(options["workflow"]), options["to"]
        earlier = (
            earlier_deployment(number, options, workflow)
            if number
            else _previous(options, workflow)
        )
        return control.roll_back(
            earlier,
            by=command_line_actor(),
            reason=options["reason"],
            consent=consent_of(options),
        )


def _previous(options: dict[str, Any], workflow: Workflow) -> Deployment:
    target = target_of(options)
    earlier = control.previously_live(workflow.pk, target)
    if earlier is None:
        raise CommandError(f"There is no earlier live deployment on {target.name} to roll back to.")
    return earlier
