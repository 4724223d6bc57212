"""The only place that changes a deployment's status and stage, always by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from deployments.models import Deployment, Lease, StageRecord
from deployments.pipeline.errors import LeaseLost
from deployments.pipeline.stages import Action, Stage, Status
from targets.cloudflare.errors import Finding

_NOTHING: Mapping[str, Any] = {}


def lock(pk: int) -> None:
    """Keep other transactions from changing a deployment until this one ends.

    A transaction locks before it inserts stage records, which only one transaction does at a time.
    """
    list(Deployment.objects.select_for_update(no_key=True).filter(pk=pk).values_list("pk"))


def _held(pk: int, token: UUID) -> QuerySet[Deployment]:
    """Return the deployment if the token holds it.

    It is locked first: PostgreSQL would not check again whether the lease is still there when it has
    waited for another transaction to end the deployment.
    """
    lock(pk)
    return Deployment.objects.filter(pk=pk, status=Status.RUNNING.value, lease__token=token)


def start(pk: int) -> bool:
    """Mark a waiting deployment as running; return False if it is no longer waiting.

    Raises IntegrityError if another deployment of its workflow and target is running.
    """
    waiting = Deployment.objects.filter(pk=pk, status=Status.QUEUED.value)
    return bool(waiting.update(status=Status.RUNNING.value, started_at=timezone.now()))


@transaction.atomic
def enter(pk: int, token: UUID, *, stage: Stage, facts: Mapping[str, Any] = _NOTHING) -> None:
    """Enter the stage and store the facts known so far; COMPLETED ends the deployment.

    Raises LeaseLost if the token no longer holds the deployment, or the stage is out of order.
    """
    changes: dict[str, Any] = {"stage": stage.value, **facts}
    if stage is Stage.COMPLETED:
        changes |= {"status": Status.SUCCEEDED.value, "finished_at": timezone.now()}
    action = Action(Deployment.objects.values_list("action", flat=True).get(pk=pk))
    if not _held(pk, token).filter(stage=action.before(stage)).update(**changes):
        raise LeaseLost(f"deployment {pk} cannot enter {stage.value}: it was ended elsewhere")
    _record(pk, stage, message=action.message(stage), progress=stage.percent)
    if stage is Stage.COMPLETED:
        Lease.objects.filter(deployment=pk).delete()


def has_entered(pk: int, token: UUID, stage: Stage) -> bool:
    """Return whether the holder of the token has entered the stage and no later one."""
    entered = Deployment.objects.filter(pk=pk, stage=stage.value)
    if stage is Stage.COMPLETED:  # which deletes the lease
        return entered.filter(status=Status.SUCCEEDED.value).exists()
    return entered.filter(status=Status.RUNNING.value, lease__token=token).exists()


@transaction.atomic
def end(
    pk: int,
    token: UUID,
    *,
    status: Status,
    message: str,
    cause: str = "",
    findings: tuple[Finding, ...] = (),
    facts: Mapping[str, Any] = _NOTHING,
) -> bool:
    """End a running deployment that did not complete; return False if it was ended elsewhere."""
    changes = _ended(status, message, findings) | {"cause": cause, **facts}
    if not _held(pk, token).update(**changes):
        return False
    Lease.objects.filter(deployment=pk).delete()
    _record_end(pk, message)
    return True


@transaction.atomic
def request_cancel(pk: int, *, by: str) -> None:
    """Ask the process that runs a deployment to end it; the first request is recorded."""
    running = Deployment.objects.filter(
        pk=pk, status=Status.RUNNING.value, cancel_requested_at=None
    )
    running.update(cancel_requested_at=timezone.now(), cancelled_by=by[:150])


@transaction.atomic
def cancel_waiting(pk: int, *, by: str) -> bool:
    """End a deployment that has not started; return False if it has."""
    queued = Deployment.objects.filter(pk=pk, status=Status.QUEUED.value)
    message = f"Cancelled by {by} before it started. Nothing was uploaded."
    ended = _ended(Status.CANCELLED, message, ())
    if not queued.update(**ended, cancel_requested_at=timezone.now(), cancelled_by=by[:150]):
        return False
    _record_end(pk, message)
    return True


@transaction.atomic
def set_waits_until(pk: int, token: UUID, *, until: datetime | None) -> None:
    """Store the time until which the target asked to wait; None when the wait is over."""
    _held(pk, token).update(waits_until=until)


def supersede(waiting: Deployment, message: str) -> bool:
    """End a deployment that has not started, because a newer one takes its place."""
    return end_waiting(waiting, status=Status.SUPERSEDED, message=message)


@transaction.atomic
def end_waiting(waiting: Deployment, *, status: Status, message: str) -> bool:
    """End a deployment that has not started; return False if it has."""
    queued = Deployment.objects.filter(pk=waiting.pk, status=Status.QUEUED.value)
    if not queued.update(**_ended(status, message, ())):
        return False
    _record_end(waiting.pk, message)
    return True


def _ended(status: Status, message: str, findings: tuple[Finding, ...]) -> dict[str, Any]:
    return {
        "status": status.value,
        "message": message,
        "problems": [finding.as_row() for finding in findings],
        "finished_at": timezone.now(),
        "waits_until": None,
    }


def _record_end(pk: int, message: str) -> None:
    """Add the FAILED record that ends the event stream of every unsuccessful deployment."""
    reached = Deployment.objects.only("stage").get(pk=pk).percent
    _record(pk, Stage.FAILED, message=message, progress=reached)


def _record(pk: int, stage: Stage, *, message: str, progress: int) -> None:
    number = StageRecord.objects.filter(deployment=pk).count() + 1
    StageRecord.objects.create(
        deployment_id=pk, number=number, stage=stage.value, message=message, progress=progress
    )
