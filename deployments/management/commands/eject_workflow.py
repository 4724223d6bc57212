from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from deployments.services.standalone import eject
from targets.cloudflare.errors import DeployError
from workflows.ir.reading.problems import InvalidIR
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = (
        "Turn a graph into a project: its generated code becomes files. This cannot be undone; versions, "
        "deployments, runs and variables stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--yes", action="store_true", help="do not ask for the workflow's id")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            workflow = get_workflow(options["workflow"])
            self._confirm(workflow.pk, is_confirmed=options["yes"])
            version = eject(workflow, by=command_line_actor())
        except InvalidIR as invalid:
            raise CommandError("\n".join(map(str, invalid.problems))) from None
        except (WorkflowNotFound, DeployError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{workflow.name} is a project now: v{version.number} has its files.")

    def _confirm(self, workflow_id: str, *, is_confirmed: bool) -> None:
        if is_confirmed:
            return
        if not sys.stdin.isatty():
            raise CommandError("Nothing was changed. Without a terminal, confirm with --yes.")
        self.stderr.write(f"This cannot be undone. Type {workflow_id} to confirm:")
        if input().strip() != workflow_id:
            raise CommandError("Not confirmed. Nothing was changed.")
