from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from runs.management.run_command import read_payload_option
from runs.services.event_triggers import BadEventType, NoListener, start_runs


class Command(BaseCommand):
    help = "Start a run of each live workflow that the event triggers, and print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", metavar="TYPE", help="the event's type")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")
        parser.add_argument(
            "--key",
            default="",
            metavar="KEY",
            help="using the same key again does not start a second run",
        )
        parser.add_argument("--json", action="store_true", help="the output is always JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        payload = read_payload_option(options["payload"])
        try:
            results = start_runs(
                options["type"], payload, by=command_line_actor(), key=options["key"]
            )
        except (BadEventType, NoListener) as error:
            raise CommandError(str(error)) from None
        data = [result.as_json() for result in results]
        self.stdout.write(json.dumps({"data": data}, ensure_ascii=False))
        failed = [result.workflow_id for result in results if result.error]
        if failed:
            raise CommandError(f"Could not start a run of: {', '.join(failed)}.")
