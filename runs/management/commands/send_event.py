from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from runs.index.row_json import as_json
from runs.management.run_command import Place, RunCommand, me, payload
from runs.services import control
from runs.services.lookup import find


class Command(RunCommand):
    help = "Send an event to a run that waits for it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("type", metavar="TYPE", help="the event's type")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")
        parser.add_argument("--json", action="store_true", help="the run as JSON")
        self.add_reason(parser)

    def about(self, place: Place, options: dict[str, Any]) -> None:
        value = payload(options["payload"])
        run = find(place.live, options["instance"])
        sent = control.send_event(run, options["type"], value, by=me(), reason=options["reason"])
        if sent.note:
            self.stderr.write(sent.note)
        if options["json"]:
            self.print_json(as_json(sent.run))
            return
        self.stdout.write(f"sent {options['type']} to {run.instance_id}")
