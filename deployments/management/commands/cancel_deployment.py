from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.trail import command_line_actor
from deployments.management.deployment_command import deployment_of
from deployments.pipeline.stages import Status
from deployments.presentation.remote_outcome_text import describe_remote_outcome
from deployments.queue.progress import wait_until_final
from deployments.services import control


class Command(BaseCommand):
    help = "Cancel a deployment, and show what is live afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deployment", metavar="DEPLOYMENT", type=int, help="its number")
        parser.add_argument("--json", action="store_true", help="print the result as a JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        deployment = deployment_of(options["deployment"])
        had_ended = deployment.is_final
        control.cancel(deployment, by=command_line_actor())
        ended = wait_until_final(deployment, lambda _record: None)
        ended.refresh_from_db()
        if options["json"]:
            fields = ("id", "status", "stage", "message", "uploaded", "live_version")
            result = {name: getattr(ended, name) for name in fields}
            self.stdout.write(json.dumps(result, ensure_ascii=False))
            return
        if had_ended:
            self.stdout.write(f"#{ended.pk} had already ended: {ended.get_status_display()}.")
            return
        self.stdout.write(f"#{ended.pk} {ended.get_status_display()}: {ended.message}")
        if ended.state is not Status.SUCCEEDED and (outcome := describe_remote_outcome(ended)):
            self.stdout.write(outcome)
