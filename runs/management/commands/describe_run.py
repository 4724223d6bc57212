from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from runs.detail.text_description import describe
from runs.index import writer
from runs.management.run_command import CommandScope, RunCommand
from runs.models import RunDetails
from runs.services.instances import LATEST, NoRun, instance_as_json
from runs.steps.masking import redact_run


class Command(RunCommand):
    help = "Print a run: its status, steps with attempts, sleeps, outputs and errors."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("--json", action="store_true", help="in the format of Cloudflare's API")

    def run(self, scope: CommandScope, options: dict[str, Any]) -> None:
        runs, instance = scope.runs, options["instance"]
        instance_id = runs.latest() if instance == LATEST else instance
        try:
            data = instance_as_json(runs.describe(instance_id))
        except NoRun:
            data = self._stored(scope, instance_id)
            if not data:
                raise
        data = redact_run(data, writer.secrets_of_workflow(scope.workflow.pk))
        if options["json"]:
            self.print_json(data)
            return
        zone = timezone.get_current_timezone()
        self.stdout.write(describe(runs.workflow, instance_id, data, now=timezone.now(), zone=zone))

    def _stored(self, scope: CommandScope, instance_id: str) -> dict[str, Any]:
        """Return the stored copy of a run that its target has deleted; {} if there is none."""
        details = RunDetails.objects.filter(
            run__workflow=scope.workflow, run__instance_id=instance_id
        )
        newest = details.order_by("-pk").first()
        if newest is None:
            return {}
        self.stderr.write("The target no longer has this run. This is the stored copy:")
        data: dict[str, Any] = newest.data
        return data
