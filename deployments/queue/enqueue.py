"""How a deployment comes into the queue: one waits for each workflow and target."""

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

_TRIES = 5
MAX_ATTEMPTS = 5
_ASKED = (
    "about",
    "overwrite",
    "overrides_freeze",
    "reason",
    "requested_by",
    "requested_by_name",
)


class Busy(DeployError):
    """Something that must not be replaced waits or runs."""

    cause = Cause.POLICY


@retry(
    retry=retry_if_exception_type(IntegrityError),  # somebody else's request came in between
    stop=stop_after_attempt(_TRIES),
    reraise=True,
)
@transaction.atomic
def enqueue(make: Callable[[], Deployment]) -> Deployment:
    """Put what `make` returns into the queue; what waits there already ends as superseded.

    `make` is called inside the transaction. Raises Busy where a rollback or a takedown waits.
    """
    return _replace_waiting(make())


def _replace_waiting(deployment: Deployment) -> Deployment:
    waiting = _unfinished(deployment).filter(status=Status.QUEUED.value).first()
    if waiting:
        _check_replaceable(waiting, deployment)
        transitions.supersede(waiting, "A newer deployment took its place before it began.")
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
    """A rollback is somebody's way out: a deploy that comes after it waits for its end."""
    if waiting.work.is_urgent and not deployment.work.is_urgent:
        raise Busy(
            f"{waiting.work.label} #{waiting.pk} waits for its turn: ask again when it has ended, "
            "or cancel it first."
        )


class _Newer(Exception):
    """Something newer waits or runs: that counts, and not what was refused before."""


def enqueue_retry(deployment: Deployment, *, not_before: datetime) -> Deployment | None:
    """Put the same into the queue for later, as the target asked.

    None where that was tried enough, or something newer waits or runs.
    """
    if deployment.attempt >= MAX_ATTEMPTS:
        return None

    def make() -> Deployment:
        if _unfinished(deployment).exclude(pk=deployment.pk).exists():
            raise _Newer
        return _same(deployment, not_before)

    try:
        return enqueue(make)
    except (_Newer, IntegrityError):
        return None


def _same(deployment: Deployment, not_before: datetime) -> Deployment:
    kept = {name: getattr(deployment, name) for name in _ASKED}
    if deployment.work is Action.DELETE_SECRETS:
        kept["secret_names"] = deployment.secret_names
    return copy_of(
        deployment,
        deployment.work,
        attempt=deployment.attempt + 1,
        not_before=not_before,
        **kept,
    )
