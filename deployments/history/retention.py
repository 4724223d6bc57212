"""The output and the stage records of old deployments. The deployments themselves are never removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.batches import Batch
from deployments.history import records
from deployments.models import Deployment, ProgramOutput, StageRecord
from deployments.pipeline.stages import UNFINISHED, Status

_Rows = ProgramOutput | StageRecord


def old_output(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return deployments that ended before the time, and whose output may be removed."""
    return _batch(ProgramOutput, "output_removed_after", cursor, days, before, size)


def old_stages(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return deployments that ended before the time, and whose stage records may be removed."""
    return _batch(StageRecord, "stages_removed_after", cursor, days, before, size)


def _batch(
    model: type[_Rows], mark: str, cursor: str, days: int, before: datetime, size: int
) -> Batch:
    """Return deployments with rows of the model; `mark` is the field that says they were removed."""
    rows = model._default_manager.order_by()
    having = rows.values_list("deployment_id", flat=True)
    keys, following = _old(having, cursor, days, before, size)
    return Batch(
        keys=keys,
        count=lambda keys: rows.filter(deployment__in=keys).count(),
        remove=partial(_remove, rows, mark, days=days),
        cursor=following,
    )


def _old(
    having: QuerySet[Any, int], cursor: str, days: int, before: datetime, size: int
) -> tuple[list[int], str | None]:
    """Return the next deployments that ended before the time, without those that are kept.

    They are looked through by their number, and only those that are `having` rows to remove: one
    that was requested later has not ended earlier.
    """
    if not days:
        return [], None
    following = having.filter(deployment_id__gt=int(cursor or 0)).order_by("deployment_id")
    numbers = list(following.distinct()[:size])
    rows = Deployment.objects.filter(pk__in=numbers).order_by()
    found = list(rows.values_list("pk", "created_at", "finished_at", "status"))
    if not any(created_at < before for _, created_at, _, _ in found):
        return [], None
    ended = [
        pk
        for pk, created_at, finished_at, status in found
        if status not in UNFINISHED and (finished_at or created_at) < before
    ]
    kept = set(_kept().filter(pk__in=ended).values_list("pk", flat=True))
    is_last = len(numbers) < size
    return [pk for pk in ended if pk not in kept], None if is_last else str(numbers[-1])


def _kept() -> QuerySet[Deployment]:
    """Return the last deployments of each workflow and target that went live, or that succeeded.

    Nothing of a deleted target is kept. Excluding the other statuses keeps SQLite from using the
    index on the status, which would search all deployments for each of these.
    """
    succeeded = ~Q(status__in=[status.value for status in Status if status != Status.SUCCEEDED])
    newer = records.at_target(OuterRef("target_id")).filter(
        workflow_public_id=OuterRef("workflow_public_id"), pk__gt=OuterRef("pk")
    )
    last_live = records.went_live() & ~Exists(newer.filter(records.went_live()))
    last_succeeded = succeeded & ~Exists(newer.filter(succeeded))
    at_a_target = Deployment.objects.filter(target__isnull=False)
    return at_a_target.filter(last_live | last_succeeded).order_by()


@transaction.atomic
def _remove(rows: QuerySet[Any], mark: str, keys: Sequence[int], *, days: int) -> int:
    old = rows.filter(deployment__in=keys)
    having = list(old.values_list("deployment", flat=True).distinct())
    Deployment.objects.filter(pk__in=having).update(**{mark: days})
    return old.delete()[0]
