"""Deployments that have ended and runs that have failed, found from the rows that announce them.

The rows are read in the order of their ids, and the last id is stored in the transaction that stores
what the events change. So a crash loses no event, and none counts twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Max

from alerts.conditions import Condition
from alerts.evaluation.decisions import Event, Subject
from alerts.masking import LONGEST_REASON
from alerts.models import CountedFailure, EvaluationState
from deployments.models import StageRecord
from deployments.pipeline.stages import Stage, Status
from runs.models import Run, RunChange

BATCH: Final = 500  # rows that are read at a time
_ENDS: Final = (Stage.COMPLETED.value, Stage.FAILED.value)
_FAILED: Final = (Status.FAILED.value, Status.PARTIAL.value, Status.INTERRUPTED.value)
_SAME_END: Final = timedelta(seconds=1)  # lists and details may differ in how they round


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutcomes:
    """What has happened after the rows that were read before; `last` is the last row read now."""

    last: int
    events: tuple[Event, ...] = ()
    has_more: bool = False
    failures: Mapping[int, datetime | None] = field(default_factory=dict)
    """The runs whose failures are counted, with the times of their ends."""


def ended_deployments(
    state: EvaluationState, conditions: Collection[Condition], *, since: datetime
) -> NewOutcomes:
    """Return the deployments that have failed or succeeded; `since` is when the oldest rule was added."""
    if Condition.DEPLOYMENT_FAILED not in conditions:
        return NewOutcomes(last=_newest(StageRecord, state.stage_record))
    last = state.stage_record
    if state.read_at is None or state.read_at < since:  # nobody asked about the rows in between
        older = StageRecord.objects.filter(entered_at__lt=since).order_by("-pk")
        last = max(last, older.values_list("pk", flat=True).first() or 0)
    rows = list(
        StageRecord.objects.filter(pk__gt=last).order_by("pk").values(*_OF_DEPLOYMENT)[:BATCH]
    )
    events = tuple(event for row in rows if (event := _deployment_event(row)))
    return NewOutcomes(
        last=rows[-1]["pk"] if rows else last, events=events, has_more=len(rows) == BATCH
    )


_OF_DEPLOYMENT: Final = (
    "pk",
    "stage",
    "entered_at",
    "deployment",
    "deployment__workflow",
    "deployment__target",
    "deployment__status",
    "deployment__message",
    "deployment__version_number",
)


def _deployment_event(row: dict[str, Any]) -> Event | None:
    """Return the event of a stage record; None if the deployment continues, or was only cancelled."""
    workflow, target = row["deployment__workflow"], row["deployment__target"]
    status = row["deployment__status"]
    has_failed = status in _FAILED
    if row["stage"] not in _ENDS or not (workflow and target):
        return None
    if not (has_failed or status == Status.SUCCEEDED.value):
        return None
    number = row["deployment"]
    message = row["deployment__message"] or Status(status).label
    return Event(
        condition=Condition.DEPLOYMENT_FAILED,
        subject=Subject(workflow, target),
        at=row["entered_at"],
        has_failed=has_failed,
        reason=f"Deployment #{number}: {message}"[:LONGEST_REASON]
        if has_failed
        else f"Deployment #{number} has succeeded.",
        deployment=number,
    )


def failed_runs(
    state: EvaluationState, conditions: Collection[Condition], *, since: datetime
) -> NewOutcomes:
    """Return the runs that have failed; `since` is when the oldest rule was added."""
    if Condition.RUN_FAILED not in conditions:
        return NewOutcomes(last=_newest(RunChange, state.run_change))
    last = state.run_change
    if state.read_at is None or state.read_at < since:
        older = RunChange.objects.filter(at__lt=since).order_by("-pk")
        last = max(last, older.values_list("pk", flat=True).first() or 0)
    changes = RunChange.objects.filter(pk__gt=last).order_by("pk")
    rows = list(changes.values_list("pk", "run", "at")[:BATCH])
    changed_at = {run: at for _, run, at in rows}
    failed = _not_counted(changed_at)
    return NewOutcomes(
        last=rows[-1][0] if rows else last,
        events=tuple(_run_event(run, changed_at[run.pk]) for run in failed),
        has_more=len(rows) == BATCH,
        failures={run.pk: run.ended_at for run in failed},
    )


def _not_counted(ids: Iterable[int]) -> list[Run]:
    """Return the failed runs of workflows, without the failures that were counted before.

    A run is announced again whenever someone looks at it.
    """
    failed = Run.objects.filter(pk__in=list(ids), status="errored", gone_at=None)
    runs = list(failed.filter(workflow__isnull=False).only(*_OF_RUN).order_by("pk"))
    counted = dict(
        CountedFailure.objects.filter(run__in=[run.pk for run in runs]).values_list(
            "run", "ended_at"
        )
    )
    return [run for run in runs if run.pk not in counted or _failed_again(run, counted[run.pk])]


_OF_RUN: Final = ("instance_id", "error", "workflow", "target", "ended_at")


def _failed_again(run: Run, counted: datetime | None) -> bool:
    if run.ended_at is None or counted is None:
        return False
    return run.ended_at > counted + _SAME_END


def _run_event(run: Run, at: datetime) -> Event:
    return Event(
        condition=Condition.RUN_FAILED,
        subject=Subject(run.workflow_id or "", run.target_id),
        at=at,
        has_failed=True,
        reason=f"Run {run.instance_id}: {run.error or 'it has failed'}"[:LONGEST_REASON],
        run=run.pk,
    )


def store_failures(failures: Mapping[int, datetime | None]) -> None:
    """Remember the failures that have been counted."""
    existing = set(Run.objects.filter(pk__in=list(failures)).values_list("pk", flat=True))
    CountedFailure.objects.bulk_create(
        [CountedFailure(run_id=pk, ended_at=at) for pk, at in failures.items() if pk in existing],
        update_conflicts=True,
        unique_fields=["run"],
        update_fields=["ended_at"],
    )


def _newest(model: type[StageRecord | RunChange], least: int) -> int:
    return max(least, model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0)
