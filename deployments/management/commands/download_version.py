from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from deployments.services.standalone import download
from targets.cloudflare.errors import DeployError
from workflows.management.commands.export_workflow import write_output
from workflows.models import WorkflowVersion
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = "Write a version as a zip of files that wrangler deploys without AwaitStep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument(
            "--number", type=int, metavar="N", help="the number of the version; default: the newest"
        )
        parser.add_argument(
            "--output", metavar="FILE", required=True, help="the zip file, or - for standard output"
        )
        parser.add_argument("--json", action="store_true", help="print what was written as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            version = _version(options["workflow"], options["number"])
            made = download(version, has_values=True, by=command_line_actor())
        except (WorkflowNotFound, DeployError) as error:
            raise CommandError(str(error)) from None
        write_output(options["output"], made.data)
        if options["json"] and options["output"] != "-":
            self.stdout.write(json.dumps({"version": version.number, "bytes": len(made.data)}))


def _version(workflow_id: str, number: int | None) -> WorkflowVersion:
    workflow = get_workflow(workflow_id)
    versions = workflow.versions.select_related("workflow").order_by("-number")
    found = versions.first() if number is None else versions.filter(number=number).first()
    if found is None:
        raise CommandError(f"{workflow.name} has no version {number or 1}.")
    return found
