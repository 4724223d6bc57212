from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from runs.description import describe
from runs.management.commands._run_command import RunCommand
from runs.services import LATEST, Runs, as_json


class Command(RunCommand):
    help = "Print a run: its status, steps with attempts, sleeps, outputs and errors."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("--json", action="store_true", help="in the shape of Cloudflare's API")

    def about(self, runs: Runs, options: dict[str, Any]) -> None:
        instance = options["instance"]
        instance_id = runs.latest() if instance == LATEST else instance
        run = as_json(runs.describe(instance_id))
        if options["json"]:
            self.print_json(run)
        else:
            self.stdout.write(describe(runs.workflow, instance_id, run))
