"""The deployment table as a queue: claims waiting deployments and runs them."""

from __future__ import annotations

import logging
import threading

from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When
from django.utils import timezone

from deployments.models import Deployment
from deployments.pipeline.stages import URGENT, Action, Status
from deployments.queue import leases, recovery, runner, spares, transitions
from deployments.queue.leases import Claim

logger = logging.getLogger(__name__)

_stopping = threading.Event()


def stop_claiming() -> None:
    """Let this process start no more deployments, because it is about to end."""
    _stopping.set()


def process_queue() -> None:
    """End abandoned deployments, then run waiting ones, oldest first, until none is left."""
    recovery.sweep()
    has_deployed = False
    while not _stopping.is_set() and (claimed := claim()):
        runner.perform(claimed)
        has_deployed |= claimed.deployment.work is Action.DEPLOY
    if has_deployed:
        spares.prepare_next()


def claim() -> Claim | None:
    """Claim the oldest waiting deployment whose workflow and target are free, if there is one.

    Rollbacks and takedowns come before deploys, because they are urgent.
    """
    urgent = Case(When(action__in=URGENT, then=0), default=1, output_field=IntegerField())
    for deployment in startable().order_by(urgent, "pk"):
        if claimed := _try_claim(deployment):
            return claimed
    return None


def startable() -> QuerySet[Deployment]:
    """Return the waiting deployments that could start now: their workflow and target are free."""
    running = Deployment.objects.filter(
        workflow_public_id=OuterRef("workflow_public_id"),
        target=OuterRef("target"),
        status=Status.RUNNING.value,
    )
    return due().filter(~Exists(running))


def due() -> QuerySet[Deployment]:
    """Return the waiting deployments, without those that must wait for a busy target."""
    waiting = Deployment.objects.filter(status=Status.QUEUED.value)
    return waiting.filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))


def _try_claim(deployment: Deployment) -> Claim | None:
    try:
        with transaction.atomic():
            if transitions.start(deployment.pk):
                return leases.grant(deployment)
    except IntegrityError:
        logger.info("%s waits: another deployment of its workflow is running", deployment)
    return None
