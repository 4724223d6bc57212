"""The table is the queue: claiming what waits, and ending what nobody works on any more."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When
from django.utils import timezone

from deployments.models import Deployment, Lease
from deployments.pipeline.stages import URGENT, Action, Stage, Status
from deployments.queue import leases, runner, transitions
from deployments.queue.leases import Claim
from deployments.queue.remote_outcome import complete_if_removed, remote_outcome_of
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of
from workflows.compilation.typescript import SCRATCH_PREFIX

logger = logging.getLogger(__name__)

_LONGEST_LOOK = 600.0  # seconds


_AGAIN = {
    Action.DEPLOY: "You can deploy again.",
    Action.ROLLBACK: "Roll back again: what leads to the Worker may not be in order.",
    Action.RETRY: "Try again what failed.",
    Action.DELETE_SECRETS: "See which secrets are left, and delete them again.",
    Action.TAKEDOWN: "Take it down again: a part of it may be removed already.",
}


def process_queue() -> None:
    """Reap what is silent, then perform what waits, the oldest first, until nothing does."""
    sweep()
    while held := claim():
        runner.perform(held)


def claim() -> Claim | None:
    """Take the oldest waiting deployment whose workflow and target are free; None without one.

    Rollbacks and takedowns come before deploys: somebody has a reason to hurry.
    """
    running = Deployment.objects.filter(
        workflow_public_id=OuterRef("workflow_public_id"),
        target=OuterRef("target"),
        status=Status.RUNNING.value,
    )
    waiting = due().filter(~Exists(running))
    urgent = Case(When(action__in=URGENT, then=0), default=1, output_field=IntegerField())
    for deployment in waiting.order_by(urgent, "pk"):
        held = _take(deployment)
        if held:
            return held
    return None


def due() -> QuerySet[Deployment]:
    """Return what waits, but for what the target has asked to come back with later."""
    waiting = Deployment.objects.filter(status=Status.QUEUED.value)
    return waiting.filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))


def _take(deployment: Deployment) -> Claim | None:
    try:
        with transaction.atomic():
            if transitions.start(deployment.pk):
                return leases.grant(deployment)
    except IntegrityError:
        logger.info("%s waits: another deployment of its workflow runs", deployment)
    return None


def sweep() -> None:
    """End the deployments whose worker is gone, and remove what it left behind."""
    for lease in Lease.objects.select_related("deployment__target"):
        if leases.is_expired(lease):
            reap(lease)
    _remove_left_folders()


def reap(lease: Lease) -> None:
    """Interrupt a deployment: its programs end first, then the target is asked what is live."""
    leases.kill_programs(lease)
    deployment = lease.deployment
    account = _reachable(deployment)
    if complete_if_removed(deployment, lease.token, account):
        return
    was_asked = deployment.cancel_requested_at is not None
    ended = transitions.end(
        deployment.pk,
        lease.token,
        status=Status.CANCELLED if was_asked else Status.INTERRUPTED,
        message=f"Cancelled by {deployment.cancelled_by}."
        if was_asked
        else _interrupted(deployment),
        facts=remote_outcome_of(deployment, account),
    )
    if ended:
        logger.warning("deployment %s was interrupted at %s", deployment.pk, deployment.stage)


def _interrupted(deployment: Deployment) -> str:
    stage = Stage(deployment.stage).label if deployment.stage else "its start"
    return (
        f"Interrupted at {stage}: the process that worked on this deployment ended before it did. "
        f"Its programs have been ended and its files removed. {_AGAIN[deployment.work]}"
    )


def _reachable(deployment: Deployment) -> Account | None:
    try:
        return account_of(deployment.target) if deployment.target else None
    except DeployError:
        return None


def _remove_left_folders() -> None:
    """Remove the directories of deployments that do not run: a killed process left them."""
    deploys = settings.AWAITSTEP.data_dir / "deploys"
    folders = {folder: folder.name.partition("-")[0] for folder in deploys.glob("*-*")}
    ids = [int(pk) for pk in folders.values() if pk.isdigit()]
    running = Deployment.objects.filter(pk__in=ids, status=Status.RUNNING.value)
    kept = {str(pk) for pk in running.values_list("pk", flat=True)}
    for folder, pk in folders.items():
        if pk not in kept and not _is_looking(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_looking(folder: Path) -> bool:
    """Tell whether a plan, a check or a load of node types may still use it: they are no deployments."""
    if not folder.name.startswith(SCRATCH_PREFIX):
        return False
    with suppress(OSError):
        return time.time() - folder.stat().st_mtime < _LONGEST_LOOK
    return False
