from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from runs.management.commands._run_command import RunCommand, payload
from runs.services import Runs


class Command(RunCommand):
    help = "Send an event to a run that waits for it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("type", metavar="TYPE", help="the event's type")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")

    def about(self, runs: Runs, options: dict[str, Any]) -> None:
        value = payload(options["payload"])
        instance = runs.send_event(options["instance"], options["type"], payload=value)
        self.stdout.write(f"sent {options['type']} to {instance}")
