from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import Deployment
from deployments.pipeline.stages import Action, Status
from workflows.services import WorkflowNotFound, get_workflow

_FIELDS = (
    "id",
    "workflow_public_id",
    "workflow_name",
    "target_name",
    "action",
    "about_id",
    "cause",
    "reason",
    "status",
    "stage",
    "message",
    "worker_name",
    "worker_url",
    "version_number",
    "requested_by_name",
    "created_at",
    "started_at",
    "finished_at",
)


class Command(BaseCommand):
    help = "List deployments, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workflow", metavar="ID", help="only deployments of this workflow")
        parser.add_argument("--json", action="store_true", help="print a JSON list with all fields")

    def handle(self, *_args: Any, **options: Any) -> None:
        deployments = Deployment.objects.order_by("-pk")
        if workflow := options["workflow"]:
            deployments = deployments.filter(workflow_public_id=workflow)
            if not deployments.exists():  # the history of a deleted workflow is kept
                _check_known(workflow)
        rows = [_row(values) for values in deployments.values(*_FIELDS)]
        try:
            self._print(rows, as_json=options["json"])
            self.stdout.flush()
        except BrokenPipeError:  # for example `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())

    def _print(self, rows: list[dict[str, Any]], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for row in rows:
            self.stdout.write(_line(row))
        if not rows:
            self.stdout.write("No deployments yet. Start one with deploy_workflow ID.")


def _check_known(workflow_id: str) -> None:
    try:
        get_workflow(workflow_id)
    except WorkflowNotFound as error:
        raise CommandError(str(error)) from None


def _row(values: dict[str, Any]) -> dict[str, Any]:
    """Return the row with the field names of the API; times are ISO 8601."""
    times = ("created_at", "started_at", "finished_at")
    return {
        "id": values["id"],
        "workflow": values["workflow_public_id"],
        "workflow_name": values["workflow_name"],
        "target": values["target_name"],
        "action": values["action"],
        "about": values["about_id"],
        **{name: values[name] for name in ("cause", "reason")},
        **{name: values[name] for name in ("status", "stage", "message")},
        **{name: values[name] for name in ("worker_name", "worker_url")},
        "version": values["version_number"],
        "user": values["requested_by_name"],
        **{name: values[name].isoformat() if values[name] else None for name in times},
    }


def _line(row: dict[str, Any]) -> str:
    when = row["created_at"][:19].replace("T", " ")
    what = f"{row['workflow']} v{row['version']} on {row['target']}"
    where = f"{row['status']} {row['stage']}".strip()
    parts = [f"#{row['id']}", when, what, _action(row), where, row["cause"], _result(row)]
    parts += [f"(reason: {row['reason']})"] if row["reason"] else []
    return "  ".join(filter(None, parts))


def _action(row: dict[str, Any]) -> str:
    """Return what was done; "" for a plain deploy."""
    return Deployment(action=row["action"], about_id=row["about"]).action_summary.lower()


def _result(row: dict[str, Any]) -> str:
    """Return the Worker's URL, or why the deployment did not succeed."""
    if row["status"] != Status.SUCCEEDED:
        return " · ".join(row["message"].splitlines()[:2])
    return row["worker_url"] if row["action"] != Action.TAKEDOWN else ""
