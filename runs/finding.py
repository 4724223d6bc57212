"""One run by its id, or the latest: its row in the index, made where the index has none yet."""

from __future__ import annotations

from deployments.models import Deployment, Target
from deployments.tools.account import Account
from runs import index, poller
from runs.models import Run
from runs.services import LATEST, NoRun, runs_on
from runs.telling import read_row


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
    told = poller.describe(account, workflow_name, instance_id)
    if told is None:
        return None
    row = read_row(
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
    changed = index.apply_rows(target, workflow_name, [row])
    return changed[0] if changed else None
