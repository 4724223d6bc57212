"""Puts deployments into the queue: at most one waits per workflow and target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from deployments.history.records import copy_of
from deployments.models import Deployment
from deployments.pipeline.stages import UNFINISHED, Action, Status
from deployments.queue import transitions
from targets.cloudflare.errors import Cause, DeployError
from web.transaction_locks import lock_until_commit

_ENQUEUE_ATTEMPTS = 5
MAX_ATTEMPTS = 5
_REQUEST_FIELDS = (
    "about",
    "overwrite",
    "overrides_freeze",
    "reason",
    "requested_by",
    "requested_by_name",
    "required_tests",
)


class Busy(DeployError):
    """A deployment that must not be replaced is waiting or running."""

    cause = Cause.POLICY


@retry(
    retry=retry_if_exception_type(IntegrityError),  # another request came first
    stop=stop_after_attempt(_ENQUEUE_ATTEMPTS),
    reraise=True,
)
@transaction.atomic
def enqueue(make: Callable[[], Deployment]) -> Deployment:
    """Enqueue the deployment that `make` returns; a waiting one ends as superseded.

    `make` is called inside the transaction. Raises Busy if a rollback or a takedown is waiting.
    """
    deployment = make()
    lock_queue(deployment)
    return _replace_waiting(deployment)


def lock_queue(deployment: Deployment) -> None:
    """Keep other transactions from queueing deployments of the same workflow and target.

    A transaction calls this before it locks the row of a deployment, so that two never wait for each other.
    """
    lock_until_commit("queue", f"{deployment.workflow_public_id} {deployment.target_id}")


def _replace_waiting(deployment: Deployment) -> Deployment:
    waiting = _unfinished(deployment).filter(status=Status.QUEUED.value).first()
    if waiting:
        _check_replaceable(waiting, deployment)
        transitions.supersede(waiting, "Superseded by a newer deployment before it started.")
    deployment.save()
    if waiting:
        Deployment.objects.filter(pk=waiting.pk).update(superseded_by=deployment)
    return deployment


def _unfinished(deployment: Deployment) -> QuerySet[Deployment]:
    return Deployment.objects.filter(
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target,
        status__in=UNFINISHED,
    )


def _check_replaceable(waiting: Deployment, deployment: Deployment) -> None:
    """Raise Busy for a deploy that would replace a rollback or a takedown."""
    if waiting.work.is_urgent and not deployment.work.is_urgent:
        raise Busy(
            f"{waiting.work.label} #{waiting.pk} is queued: try again when it has ended, or cancel "
            "it first."
        )


class _NewerExists(Exception):
    """A newer deployment is waiting or running, so a retry is pointless."""


def enqueue_retry(deployment: Deployment, *, not_before: datetime) -> Deployment | None:
    """Enqueue the same deployment again, to start at the time that the target asked for.

    Returns None after MAX_ATTEMPTS, or if a newer deployment is waiting or running.
    """
    if deployment.attempt >= MAX_ATTEMPTS:
        return None

    def make() -> Deployment:
        if _unfinished(deployment).exclude(pk=deployment.pk).exists():
            raise _NewerExists
        return _next_attempt(deployment, not_before)

    try:
        return enqueue(make)
    except (_NewerExists, IntegrityError):
        return None


def _next_attempt(deployment: Deployment, not_before: datetime) -> Deployment:
    fields = {name: getattr(deployment, name) for name in _REQUEST_FIELDS}
    if deployment.work is Action.DELETE_SECRETS:
        fields["secret_names"] = deployment.secret_names
    return copy_of(
        deployment,
        deployment.work,
        attempt=deployment.attempt + 1,
        not_before=not_before,
        **fields,
    )
