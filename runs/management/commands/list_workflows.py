from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runs.detail.text_table import table
from runs.overview.workflow_list import Hosted, Place, places
from targets.cloudflare.errors import DeployError
from targets.lookup import default_target, target_named
from targets.models import Target


class Command(BaseCommand):
    help = "List the Workflows that the targets have, with how many runs are in each state."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--target", metavar="NAME", help="default: every target")
        parser.add_argument("--json", action="store_true", help="a JSON list with every field")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            asked = places(_targets(options["target"]))
        except DeployError as refusal:
            raise CommandError(str(refusal)) from None
        if options["json"]:
            rows = [row.as_json(place.target.name) for place in asked for row in place.rows]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            for place in asked:
                self._print(place)
        if failed := [f"{place.target.name}: {place.error}" for place in asked if place.error]:
            raise CommandError("\n".join(failed))

    def _print(self, place: Place) -> None:
        name, count = place.target.name, len(place.rows)
        if place.error:
            return
        if not count:
            self.stdout.write(f"{name}: no Workflows yet. Deploy one with deploy_workflow ID.")
            return
        self.stdout.write(f"{name}: {count} workflow{'s' if count > 1 else ''}")
        self.stdout.write("\n".join(table([_row(row) for row in place.rows])))


def _targets(name: str | None) -> list[Target]:
    if name:
        return [target_named(name)]
    default_target()  # the embedded platform is a target from its first use
    return list(Target.objects.all())


def _row(row: Hosted) -> dict[str, str]:
    return {
        "Name": row.name,
        "Script name": row.script,
        "Class name": row.class_name,
        "Created": f"{timezone.localtime(row.created):%Y-%m-%d %H:%M:%S}",
        "Modified": f"{timezone.localtime(row.modified):%Y-%m-%d %H:%M:%S}",
        "Runs": ", ".join(count["words"] for count in row.shown_counts),
    }
