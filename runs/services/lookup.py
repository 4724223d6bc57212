"""One run by its id, or the latest: its row in the index, made where the index has none yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.models import Deployment
from runs.index import writer
from runs.models import Run
from runs.services.instances import LATEST, NoRun, runs_on
from runs.steps.parsing import Row, read_row
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare.account import Account
from targets.models import Target


def find(live: Deployment, instance: str) -> Run:
    """Return the run of what is live; `instance` is its id or "latest". Raises NoRun, DeployError."""
    runs = runs_on(live)
    instance_id = runs.latest() if instance == LATEST else instance
    found = None
    if live.target is not None:
        found = indexed(live.target, runs.workflow, instance_id, account=runs.account)
    if found is None:
        raise NoRun(f"{runs.workflow} has no run {instance_id}.")
    return found


def indexed(
    target: Target, workflow_name: str, instance_id: str, *, account: Account
) -> Run | None:
    """Return the run's row, made from what the target says of it; None where it has no such run."""
    known = Run.objects.filter(
        target=target, workflow_name=workflow_name, instance_id=instance_id
    ).select_related("target", "workflow")
    return known.first() or _made(target, workflow_name, instance_id, account)


def _made(target: Target, workflow_name: str, instance_id: str, account: Account) -> Run | None:
    told = poller.describe(counted(account), workflow_name, instance_id)
    if told is None:
        return None
    return entered(target, workflow_name, row_of(instance_id, told))


def row_of(instance_id: str, told: Mapping[str, Any]) -> Row:
    """Read what a target tells of one run as a row of its list."""
    return read_row(
        {
            "id": instance_id,
            "status": told["status"],
            "trigger_source": (told.get("trigger") or {}).get("source"),
            "version_id": told.get("versionId"),
            "created_on": told.get("queued") or told.get("start"),
            "started_on": told.get("start"),
            "ended_on": told.get("end"),
        }
    )


def entered(target: Target, workflow_name: str, row: Row) -> Run:
    """Return the run's row in the index, made from this one where it has none yet."""
    mine = Run.objects.filter(
        target=target, workflow_name=workflow_name, instance_id=row.instance_id
    ).select_related("target", "workflow")
    known = mine.first()
    if known is None:
        writer.apply_rows(target, workflow_name, [row])
        known = mine.get()
    return known
