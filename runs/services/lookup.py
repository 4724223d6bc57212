"""Finding one run by its id, or the latest; a run that is not in the index yet is added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from deployments.models import Deployment
from runs.index import writer
from runs.models import Run
from runs.services.instances import LATEST, NoRun, deployment_runs
from runs.steps.parsing import Row, read_row
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare.account import Account
from targets.models import Target


def find_run(live: Deployment, instance: str, workflow: str = "") -> Run:
    """Return a run of the deployment; `instance` is its id or "latest".

    `workflow` names one of several Workflows of a project.

    Raises NoRun if there is none, DeployError if the target cannot be read.
    """
    runs = deployment_runs(live, workflow)
    instance_id = runs.latest() if instance == LATEST else instance
    run = None
    if live.target is not None:
        run = find_or_fetch(live.target, runs.workflow, instance_id, account=runs.account)
    if run is None:
        raise NoRun(f"{runs.workflow} has no run {instance_id}.")
    return run


def find_or_fetch(
    target: Target, workflow_name: str, instance_id: str, *, account: Account
) -> Run | None:
    """Return the run's row, fetched from the target if needed; None if neither has the run."""
    run = _indexed(target, workflow_name, instance_id).first()
    if run is not None:
        return run
    data = poller.describe(counted(account), workflow_name, instance_id)
    if data is None:
        return None
    return find_or_create(target, workflow_name, row_of(instance_id, data))


def row_of(instance_id: str, data: Mapping[str, Any]) -> Row:
    """Convert a run in the shape of `GET .../instances/ID` to a row of a list."""
    return read_row(
        {
            "id": instance_id,
            "status": data["status"],
            "trigger_source": (data.get("trigger") or {}).get("source"),
            "version_id": data.get("versionId"),
            "created_on": data.get("queued") or data.get("start"),
            "started_on": data.get("start"),
            "ended_on": data.get("end"),
        }
    )


def find_or_create(target: Target, workflow_name: str, row: Row) -> Run:
    """Return the run's row in the index, created if needed."""
    indexed = _indexed(target, workflow_name, row.instance_id)
    run = indexed.first()
    if run is None:
        writer.apply_rows(target, workflow_name, [row])
        run = indexed.get()
    return run


def _indexed(target: Target, workflow_name: str, instance_id: str) -> QuerySet[Run]:
    return Run.objects.filter(
        target=target, workflow_name=workflow_name, instance_id=instance_id
    ).select_related("target", "workflow")
