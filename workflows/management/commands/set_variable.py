from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.services import WorkflowNotFound, get_workflow, set_variable


class Command(BaseCommand):
    help = "Set an environment variable of a workflow, or a global one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "value",
            metavar="VALUE",
            help="the value, or - to read it from standard input, "
            "which keeps it out of the process list",
        )
        parser.add_argument("--workflow", metavar="ID", help="default: a global variable")
        parser.add_argument("--secret", action="store_true", help="never show the value again")

    def handle(self, *_args: Any, **options: Any) -> None:
        value = sys.stdin.read().rstrip("\r\n") if options["value"] == "-" else options["value"]
        try:
            workflow = get_workflow(options["workflow"]) if options["workflow"] else None
            set_variable(
                options["name"],
                value,
                workflow=workflow,
                is_secret=options["secret"],
                by=command_line_actor(),
            )
        except WorkflowNotFound as error:
            raise CommandError(str(error)) from None
        except ValidationError as invalid:
            raise CommandError(" ".join(invalid.messages)) from None
        owner = f"for {workflow.name}" if workflow else "for all workflows"
        self.stdout.write(f"{options['name']} is set {owner}.")
