from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from runs.management.commands._run_command import RunCommand, payload
from runs.services import Runs


class Command(RunCommand):
    help = "Start a run of a deployed workflow and print it as JSON, its id among it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")

    def about(self, runs: Runs, options: dict[str, Any]) -> None:
        self.print_json(runs.trigger(payload(options["payload"])))
