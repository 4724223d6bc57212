from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from runs.detail.text_description import describe
from runs.index import writer
from runs.management.run_command import Place, RunCommand
from runs.models import RunDetails
from runs.services.instances import LATEST, NoRun, as_json
from targets.cloudflare.redaction import redact


class Command(RunCommand):
    help = "Print a run: its status, steps with attempts, sleeps, outputs and errors."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("instance", metavar="INSTANCE", help='the run\'s id, or "latest"')
        parser.add_argument("--json", action="store_true", help="in the shape of Cloudflare's API")

    def about(self, place: Place, options: dict[str, Any]) -> None:
        runs, instance = place.runs, options["instance"]
        instance_id = runs.latest() if instance == LATEST else instance
        try:
            told = as_json(runs.describe(instance_id))
        except NoRun:
            told = self._kept(place, instance_id)
            if not told:
                raise
        told = writer.hidden(told, partial(redact, secrets=writer.secrets_in(place.workflow)))
        if options["json"]:
            self.print_json(told)
            return
        zone = timezone.get_current_timezone()
        self.stdout.write(describe(runs.workflow, instance_id, told, now=timezone.now(), zone=zone))

    def _kept(self, place: Place, instance_id: str) -> dict[str, Any]:
        """Return what was kept of a run that its target has forgotten; nothing where nothing was."""
        mine = RunDetails.objects.filter(run__workflow=place.workflow, run__instance_id=instance_id)
        kept = mine.order_by("-pk").first()
        if kept is None:
            return {}
        self.stderr.write("The target keeps this run no more. This is what was kept of it here:")
        told: dict[str, Any] = kept.told
        return told
