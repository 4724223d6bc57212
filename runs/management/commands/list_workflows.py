from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runs.detail.text_table import table
from runs.overview.workflow_list import TargetWorkflow, TargetWorkflows, list_workflows
from targets.cloudflare.errors import DeployError
from targets.lookup import default_target, target_named
from targets.models import Target


class Command(BaseCommand):
    help = "List the Workflows on the targets, with the number of runs per status."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--target", metavar="NAME", help="default: all targets")
        parser.add_argument(
            "--json", action="store_true", help="print a JSON list with every field"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            results = list_workflows(_targets(options["target"]))
        except DeployError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            rows = [row.as_json(result.target.name) for result in results for row in result.rows]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            for result in results:
                self._print(result)
        errors = [f"{result.target.name}: {result.error}" for result in results if result.error]
        if errors:
            raise CommandError("\n".join(errors))

    def _print(self, result: TargetWorkflows) -> None:
        name, count = result.target.name, len(result.rows)
        if result.error:
            return
        if not count:
            self.stdout.write(f"{name}: no Workflows yet. Deploy one with deploy_workflow ID.")
            return
        self.stdout.write(f"{name}: {count} workflow{'s' if count > 1 else ''}")
        self.stdout.write("\n".join(table([_row(row) for row in result.rows])))


def _targets(name: str | None) -> list[Target]:
    if name:
        return [target_named(name)]
    default_target()  # creates the embedded platform's target if needed
    return list(Target.objects.all())


def _row(row: TargetWorkflow) -> dict[str, str]:
    return {
        "Name": row.name,
        "Script name": row.script,
        "Class name": row.class_name,
        "Created": f"{timezone.localtime(row.created):%Y-%m-%d %H:%M:%S}",
        "Modified": f"{timezone.localtime(row.modified):%Y-%m-%d %H:%M:%S}",
        "Runs": ", ".join(count["text"] for count in row.shown_counts),
    }
