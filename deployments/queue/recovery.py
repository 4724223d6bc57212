"""Ends deployments whose process has died, as interrupted, and removes what they left behind."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from structlog.contextvars import bound_contextvars

from deployments.models import Deployment, Lease
from deployments.pipeline.stages import Action, Stage, Status
from deployments.queue import leases, transitions
from deployments.queue.remote_outcome import complete_if_removed, remote_outcome_of
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of
from workflows.compilation.typescript import SCRATCH_PREFIX

logger = logging.getLogger(__name__)


_LONGEST_SCRATCH_USE = 600.0  # seconds
_RESTORE_SECONDS = 5.0  # for a call to a target
_WAITED = (
    "It was waiting when the restored backup was made, and may have run elsewhere since. Deploy again "
    "if you still want it."
)


_NEXT_STEP = {
    Action.DEPLOY: "You can deploy again.",
    Action.ROLLBACK: "Roll back again: the Worker's routes and triggers may be incomplete.",
    Action.RETRY: "Retry failed parts.",
    Action.DELETE_SECRETS: "See which secrets are left, then delete them.",
    Action.TAKEDOWN: "Repeat the takedown: parts of the Worker may already be removed.",
}


def sweep(*, of_other_hosts: bool = True) -> None:
    """End the deployments whose process has died, and remove their files.

    Every process may do so, because only one can end a deployment. Those of other hosts can be left to
    one process, which spares the target the same calls.
    """
    for lease in Lease.objects.select_related("deployment__target"):
        is_ours = of_other_hosts or leases.is_on_this_host(lease)
        if is_ours and leases.is_expired(lease):
            deployment = lease.deployment
            workflow = deployment.workflow_public_id
            with bound_contextvars(deployment=deployment.pk, workflow=workflow):
                reap(lease)
    _remove_abandoned_folders()


def reap(lease: Lease) -> None:
    """Interrupt a deployment: kill its programs, then query the target for what is live."""
    leases.kill_programs(lease)
    deployment = lease.deployment
    account = _account(deployment)
    if complete_if_removed(deployment, lease.token, account):
        return
    was_cancelled = deployment.cancel_requested_at is not None
    ended = transitions.end(
        deployment.pk,
        lease.token,
        status=Status.CANCELLED if was_cancelled else Status.INTERRUPTED,
        message=f"Cancelled by {deployment.cancelled_by}."
        if was_cancelled
        else _interrupted(deployment),
        facts=remote_outcome_of(deployment, account),
    )
    if ended:
        logger.warning("deployment %s was interrupted at %s", deployment.pk, deployment.stage)


def end_restored() -> tuple[list[Deployment], list[Deployment]]:
    """End what was running and what waited when the database was backed up, and return both.

    The programs of a lease are not killed: they may belong to the installation that was backed up, and
    that may still be running.
    """
    running = [
        lease.deployment
        for lease in Lease.objects.select_related("deployment__target")
        if _end_restored(lease)
    ]
    waiting = Deployment.objects.filter(status=Status.QUEUED.value).order_by("pk")
    cancelled = [
        deployment
        for deployment in waiting
        if transitions.end_waiting(deployment, status=Status.CANCELLED, message=_WAITED)
    ]
    return running, cancelled


def _end_restored(lease: Lease) -> bool:
    """Interrupt a deployment; return False if its takedown was complete."""
    deployment = lease.deployment
    account = _account(deployment)
    with retries.using(time_limits.until_deadline(_RESTORE_SECONDS)):
        limited = time_limits.with_timeout(account, _RESTORE_SECONDS) if account else None
        if complete_if_removed(deployment, lease.token, limited):
            return False
        facts = remote_outcome_of(deployment, limited)
    message = (
        f"Interrupted at {_stage(deployment)}: it was running when the restored backup was made, and "
        f"may have continued elsewhere. {_NEXT_STEP[deployment.work]}"
    )
    return transitions.end(
        deployment.pk, lease.token, status=Status.INTERRUPTED, message=message, facts=facts
    )


def _stage(deployment: Deployment) -> str:
    return Stage(deployment.stage).label if deployment.stage else "its start"


def _interrupted(deployment: Deployment) -> str:
    return (
        f"Interrupted at {_stage(deployment)}: the process running this deployment ended unexpectedly. "
        f"Its programs were stopped and its files removed. {_NEXT_STEP[deployment.work]}"
    )


def _account(deployment: Deployment) -> Account | None:
    try:
        return account_of(deployment.target) if deployment.target else None
    except DeployError:
        return None


def _remove_abandoned_folders() -> None:
    """Remove directories of deployments that are not running, left by killed processes."""
    root = settings.AWAITSTEP.data_dir / "deploys"
    folders = {folder: folder.name.partition("-")[0] for folder in root.glob("*-*")}
    ids = [int(pk) for pk in folders.values() if pk.isdigit()]
    running = Deployment.objects.filter(pk__in=ids, status=Status.RUNNING.value)
    kept = {str(pk) for pk in running.values_list("pk", flat=True)}
    for folder, pk in folders.items():
        if pk not in kept and not _may_be_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _may_be_in_use(folder: Path) -> bool:
    """Return whether a plan, a check or the loading of node types may still use the folder."""
    if not folder.name.startswith(SCRATCH_PREFIX):
        return False
    with suppress(OSError):
        return time.time() - folder.stat().st_mtime < _LONGEST_SCRATCH_USE
    return False
