"""The output and the stage records of old deployments. The deployments themselves are never removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.batches import Batch
from deployments.history import records
from deployments.models import Deployment, ProgramOutput, StageRecord
from deployments.pipeline.stages import UNFINISHED, Status


def old_output(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return deployments that ended before the time, and whose output may be removed."""
    keys, following = _old(cursor, days, before, size)
    return Batch(
        keys=keys,
        count=lambda keys: ProgramOutput.objects.filter(deployment__in=keys).count(),
        remove=partial(_remove_output, days=days),
        cursor=following,
    )


def old_stages(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return deployments that ended before the time, and whose stage records may be removed."""
    keys, following = _old(cursor, days, before, size)
    return Batch(
        keys=keys,
        count=lambda keys: StageRecord.objects.filter(deployment__in=keys).count(),
        remove=partial(_remove_stages, days=days),
        cursor=following,
    )


def _old(cursor: str, days: int, before: datetime, size: int) -> tuple[list[int], str | None]:
    """Return the next deployments that ended before the time, without those that are kept.

    They are looked through by their number: one that was requested later has not ended earlier.
    """
    if not days:
        return [], None
    following = Deployment.objects.filter(pk__gt=int(cursor or 0)).order_by("pk")
    found = list(following.values_list("pk", "created_at", "finished_at", "status")[:size])
    if not any(created_at < before for _, created_at, _, _ in found):
        return [], None
    ended = [
        pk
        for pk, created_at, finished_at, status in found
        if status not in UNFINISHED and (finished_at or created_at) < before
    ]
    kept = set(_kept().filter(pk__in=ended).values_list("pk", flat=True))
    is_last = len(found) < size
    return [pk for pk in ended if pk not in kept], None if is_last else str(found[-1][0])


def _kept() -> QuerySet[Deployment]:
    """Return the last deployments of each workflow and target that went live, or that succeeded."""
    succeeded = Q(status=Status.SUCCEEDED.value)
    newer = records.at_target(OuterRef("target_id")).filter(
        workflow_public_id=OuterRef("workflow_public_id"), pk__gt=OuterRef("pk")
    )
    last_live = records.went_live() & ~Exists(newer.filter(records.went_live()))
    last_succeeded = succeeded & ~Exists(newer.filter(succeeded))
    return Deployment.objects.filter(last_live | last_succeeded).order_by()


@transaction.atomic
def _remove_output(keys: Sequence[int], *, days: int) -> int:
    outputs = ProgramOutput.objects.filter(deployment__in=keys)
    having = list(outputs.order_by().values_list("deployment", flat=True).distinct())
    Deployment.objects.filter(pk__in=having).update(output_removed_after=days)
    return outputs.delete()[0]


@transaction.atomic
def _remove_stages(keys: Sequence[int], *, days: int) -> int:
    stages = StageRecord.objects.filter(deployment__in=keys)
    having = list(stages.order_by().values_list("deployment", flat=True).distinct())
    Deployment.objects.filter(pk__in=having).update(stages_removed_after=days)
    return stages.delete()[0]
