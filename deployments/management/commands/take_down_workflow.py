from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from deployments.management.deployment_command import (
    DeploymentCommand,
    confirm_option,
    consent_of,
    target_of,
)
from deployments.models import Deployment
from deployments.services import control
from workflows.models import Workflow
from workflows.services import get_workflow


class Command(DeploymentCommand):
    help = (
        "Remove a workflow's Worker from a target, with its routes, schedules, queue consumers, "
        "Workflow and runs. History, variables, KV, D1, R2 and queues are kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--target", metavar="NAME", help="default: the default target")
        parser.add_argument("--reason", default="", help="stored with the deployment")
        parser.add_argument("--yes", action="store_true", help="do not ask for the workflow's name")
        self.add_consent(parser)
        self.add_json(parser)

    def request(self, options: dict[str, Any]) -> Deployment:
        workflow, target = get_workflow(options["workflow"]), target_of(options)
        if not options["yes"]:
            self._check(options["confirm"] or self._typed(workflow, target.name), workflow)
        return control.take_down(
            workflow,
            target,
            by=command_line_actor(),
            reason=options["reason"],
            consent=consent_of(options),
        )

    def _typed(self, workflow: Workflow, target: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError(
                "Nothing was taken down. Without a terminal, confirm with "
                f"{confirm_option(workflow.name)}"
            )
        self.stderr.write(f"{self.help}\nType the workflow's name to take it down from {target}:")
        return input()

    def _check(self, typed: str, workflow: Workflow) -> None:
        if typed.strip() != workflow.name:
            raise CommandError("The name does not match. Nothing was taken down.")
