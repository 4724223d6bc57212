from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments import drift
from deployments.models import DriftCheck, DriftState
from targets.cloudflare.errors import DeployError
from targets.lookup import target_named
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = (
        "Compare live Workers with the record. Exits with 1 if any differs or cannot be compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", nargs="?", help="default: every workflow")
        parser.add_argument(
            "--target", metavar="NAME", help="default: every target where it is live"
        )
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            workflow = get_workflow(options["workflow"]) if options["workflow"] else None
            target = target_named(options["target"]) if options["target"] else None
        except (DeployError, WorkflowNotFound) as refusal:
            raise CommandError(str(refusal)) from None
        pairs = [
            pair
            for pair in drift.live_pairs()
            if workflow in (None, pair[0]) and target in (None, pair[1])
        ]
        drift_checks = [drift.check(*pair) for pair in pairs]
        self._print(drift_checks, as_json=options["json"])
        if any(check.state != DriftState.SAME.value for check in drift_checks):
            sys.exit(1)

    def _print(self, drift_checks: list[DriftCheck], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps([_row(check) for check in drift_checks], ensure_ascii=False)
            )
            return
        for check in drift_checks:
            self.stdout.write(f"{check}  {check.message}".rstrip())
            for difference in check.differences:
                self.stdout.write(f"  {difference}")
        if not drift_checks:
            self.stdout.write("Nothing is deployed, so nothing can have drifted.")


def _row(drift_check: DriftCheck) -> dict[str, Any]:
    return {
        "workflow": drift_check.workflow_id,
        "target": drift_check.target.name,
        "state": drift_check.state,
        "differences": drift_check.differences,
        "message": drift_check.message,
        "live_version": drift_check.live_version,
        "checked_at": drift_check.checked_at.isoformat() if drift_check.checked_at else None,
    }
