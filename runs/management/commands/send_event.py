from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from audit.trail import command_line_actor
from runs.index.listing import run_as_json
from runs.management.run_command import CommandScope, RunCommand, read_payload_option
from runs.services import control
from runs.services.lookup import find_run


class Command(RunCommand):
    help = "Send an event to a run that is waiting for it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("type", metavar="TYPE", help="the event's type")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")
        self.add_reason(parser)

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        payload = read_payload_option(options["payload"])
        run = find_run(scope.live, options["instance"], scope.name)
        result = control.send_event(
            run, options["type"], payload, by=command_line_actor(), reason=options["reason"]
        )
        if result.note:
            self.stderr.write(result.note)
        if options["json"]:
            self.print_json(run_as_json(result.run))
            return
        self.stdout.write(f"sent {options['type']} to {run.instance_id}")
