from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deployments.history import records, workflow_names
from deployments.models import Deployment
from runs import statuses
from runs.detail.text_table import table
from runs.index.listing import Filters, filtered, run_as_json, unknown_statuses
from runs.models import Run
from runs.services.instances import NoRun, workflow_runs
from runs.sync import poller
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of, target_named
from targets.models import Target
from web.formatting import duration
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


class Command(BaseCommand):
    help = (
        "List runs, newest first. With a workflow, the list is read from its targets; otherwise "
        "it comes from the index."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", nargs="?", metavar="ID", help="only runs of this workflow")
        parser.add_argument(
            "--status", default="", metavar="S", help="one or more statuses, separated by commas"
        )
        parser.add_argument("--target", default="", metavar="NAME", help="only runs on this target")
        parser.add_argument(
            "--search", default="", metavar="TEXT", help="search in payloads, outputs and errors"
        )
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="default: 50")
        parser.add_argument(
            "--json", action="store_true", help="print a JSON list with every field"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            runs = _matching(options)
        except (DeployError, NoRun, WorkflowNotFound) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            rows = [run_as_json(run) for run in runs]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        elif runs:
            self.stdout.write("\n".join(table([_row(run) for run in runs])))
        else:
            self.stdout.write(_empty_message(options))


def _matching(options: dict[str, Any]) -> list[Run]:
    if options["limit"] < 1:
        raise CommandError("--limit must be at least 1.")
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
    runs = filtered(filters).select_related("target").order_by("-created_at", "-pk")
    return list(runs[: options["limit"]])


def _refresh(workflow: Workflow, target: Target | None) -> None:
    """Update the index of the workflow's runs.

    Raises NoRun for a script, DeployError if a target cannot be read.
    """
    workflow_runs(workflow)
    for live in _live_deployments(workflow, target):
        if live.target is not None:
            account = account_of(live.target)
            for name in workflow_names.of_deployment(live):
                poller.refresh(live.target, name, account)


def _live_deployments(workflow: Workflow, target: Target | None) -> Iterable[Deployment]:
    """Return the workflow's newest live deployment on each target."""
    deployments = records.not_taken_down().filter(
        workflow_public_id=workflow.pk, target__isnull=False
    )
    deployments = deployments.filter(target=target) if target else deployments
    ordered = deployments.select_related("target").order_by("pk")
    newest = {deployment.target_id: deployment for deployment in ordered}
    return newest.values()


def _check(status: str) -> None:
    """Raise CommandError for a status that is unknown and that no run has."""
    for name in unknown_statuses(status):
        known = ", ".join(statuses.KNOWN)
        raise CommandError(f"No run has the status {name!r}. Use one of: {known}.")


def _row(run: Run) -> dict[str, str]:
    return {
        "Run": run.instance_id,
        "Workflow": run.workflow_name,
        "Target": run.target.name,
        "Status": run.status_label + (", gone" if run.gone_at else ""),
        "Trigger": run.trigger_label,
        "Created": f"{timezone.localtime(run.created_at):%Y-%m-%d %H:%M:%S}",
        "Duration": duration(run.seconds),
        "Details": run.error or _waits_for(run),
    }


def _waits_for(run: Run) -> str:
    if run.awaits_approval:
        return "waits for a decision"
    return f"waits for {run.waits_for}" if run.waits_for else ""


def _empty_message(options: dict[str, Any]) -> str:
    if options["status"] or options["search"] or options["target"]:
        return "No matching runs. To list all runs, leave out --status, --search and --target."
    return f"No runs yet. Start one with trigger_workflow {options['workflow'] or 'ID'}."
