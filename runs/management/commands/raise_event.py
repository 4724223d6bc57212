from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.management.run_command import me, payload
from runs.services.event_triggers import BadEventType, NoListener, raise_event


class Command(BaseCommand):
    help = "Start a run of each live workflow whose trigger is the event, and print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", metavar="TYPE", help="the event's type")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="default: {}")
        parser.add_argument(
            "--key", default="", metavar="KEY", help="the same key starts no second run"
        )
        parser.add_argument("--json", action="store_true", help="what is printed is JSON anyway")

    def handle(self, *_args: Any, **options: Any) -> None:
        value = payload(options["payload"])
        try:
            raised = raise_event(options["type"], value, by=me(), key=options["key"])
        except (BadEventType, NoListener) as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(
            json.dumps({"data": [one.as_json() for one in raised]}, ensure_ascii=False)
        )
        failed = [one.workflow_id for one in raised if one.error]
        if failed:
            raise CommandError(f"No run could be started of: {', '.join(failed)}.")
