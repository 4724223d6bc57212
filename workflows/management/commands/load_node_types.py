from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from workflows.node_types.loading import Outcome, State, load


class Command(BaseCommand):
    help = "Load node types from a folder of <id>/<version>/node.json and template.ts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder",
            metavar="FOLDER",
            type=Path,
            help="the types in AwaitStep's library need not be loaded",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            outcomes = load(folder, by=command_line_actor().name)
        except OSError as error:
            raise CommandError(f"{folder} cannot be read: {error.strerror}.") from None
        if not outcomes:
            raise CommandError(f"{folder} contains no node types (<id>/<version>/node.json).")
        for outcome in outcomes:
            self._print(outcome)
        refused = sum(outcome.state is State.REFUSED for outcome in outcomes)
        if refused:
            types = "1 node type was" if refused == 1 else f"{refused} node types were"
            self.stderr.write(f"Nothing was loaded: {types} rejected.")
            sys.exit(1)

    def _print(self, outcome: Outcome) -> None:
        self.stdout.write(f"{outcome.state:<10} {outcome}")
        for problem in outcome.problems:
            if problem.is_error:
                self.stderr.write(f"  {problem}")
            else:
                self.stdout.write(f"  warning: {problem}")
