from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deployments.history import records
from deployments.models import Deployment
from runs import statuses
from runs.detail.text_table import table
from runs.index.listing import Filters, filtered, unknown_statuses
from runs.index.row_json import as_json
from runs.models import Run
from runs.services.instances import NoRun, runs_of
from runs.sync import poller
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of, target_named
from targets.models import Target
from web.formatting import duration
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = (
        "List runs, the newest first: of one workflow as its target tells them now, of all workflows "
        "as the index knows them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", nargs="?", metavar="ID", help="only this workflow's")
        parser.add_argument(
            "--status", default="", metavar="S", help="one or more, separated by commas"
        )
        parser.add_argument("--target", default="", metavar="NAME", help="only those there")
        parser.add_argument(
            "--search", default="", metavar="TEXT", help="in payloads, outputs and errors"
        )
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="default: 50")
        parser.add_argument("--json", action="store_true", help="a JSON list with every field")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            runs = _found(options)
        except (DeployError, NoRun, WorkflowNotFound) as refusal:
            raise CommandError(str(refusal)) from None
        if options["json"]:
            rows = [as_json(run) for run in runs]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        elif runs:
            self.stdout.write("\n".join(table([_row(run) for run in runs])))
        else:
            self.stdout.write(_nothing(options))


def _found(options: dict[str, Any]) -> list[Run]:
    if options["limit"] < 1:
        raise CommandError("--limit takes a number from 1.")
    target = target_named(options["target"]) if options["target"] else None
    if options["workflow"]:
        _refresh(get_workflow(options["workflow"]), target)
    _check(options["status"])
    filters = Filters(
        workflow=options["workflow"] or "",
        target=options["target"],
        status=options["status"],
        q=options["search"],
    )
    found = filtered(filters).select_related("target").order_by("-created_at", "-pk")
    return list(found[: options["limit"]])


def _refresh(workflow: Workflow, target: Target | None) -> None:
    """Bring the index up to what the targets say of the workflow's runs. Raises NoRun, DeployError."""
    runs_of(workflow)
    for live in _lives(workflow, target):
        if live.target is not None:
            account = account_of(live.target)
            poller.refresh(live.target, live.worker_name, account)


def _lives(workflow: Workflow, target: Target | None) -> Iterable[Deployment]:
    """Return the newest that is live of the workflow at each target."""
    mine = records.not_taken_down().filter(workflow_public_id=workflow.pk, target__isnull=False)
    found = mine.filter(target=target) if target else mine
    newest = {one.target_id: one for one in found.select_related("target").order_by("pk")}
    return newest.values()


def _check(status: str) -> None:
    """Raise CommandError for a status that no run has and that is not known either."""
    for name in unknown_statuses(status):
        known = ", ".join(statuses.KNOWN)
        raise CommandError(f"No run has the status {name!r}. The known ones are: {known}.")


def _row(run: Run) -> dict[str, str]:
    return {
        "Run": run.instance_id,
        "Workflow": run.workflow_name,
        "Target": run.target.name,
        "Status": run.status_label + (", gone" if run.gone_at else ""),
        "Trigger": run.trigger_label,
        "Created": f"{timezone.localtime(run.created_at):%Y-%m-%d %H:%M:%S}",
        "Duration": duration(run.seconds),
        "Told": run.error or (f"waits for {run.waits_for}" if run.waits_for else ""),
    }


def _nothing(options: dict[str, Any]) -> str:
    if options["status"] or options["search"] or options["target"]:
        return "No run fits. Without --status, --search and --target all of them are listed."
    return f"No runs yet. Start one with trigger_workflow {options['workflow'] or 'ID'}."
