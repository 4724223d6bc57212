"""Counts what deployments do from now on, in all processes, by reading the stage records that are new.

The number of records that are read depends on what has happened since the last time, not on what is stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import F, OuterRef, QuerySet, Subquery
from prometheus_client import CollectorRegistry, Counter, Histogram

from deployments.models import StageRecord
from deployments.pipeline.stages import HAPPY_PATH, Stage, Status
from targets.cloudflare.errors import Cause

MAX_RECORDS: Final = 5_000  # that are read at a time; the next reading continues after them
_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)  # seconds
_WITH_CAUSE: Final = (Status.FAILED, Status.PARTIAL)


class DeploymentCounts:
    """The deployments that have ended, and the durations of stages, `since` a time."""

    def __init__(self, registry: CollectorRegistry, *, since: datetime) -> None:
        self._since = since
        self._last: int | None = None
        self._ended = Counter(
            "awaitstep_deployments_ended",
            "Deployments that have ended since this process started.",
            ["result", "cause"],
            registry=registry,
        )
        self._seconds = Histogram(
            "awaitstep_deployment_stage_seconds",
            "Durations of the stages of deployments since this process started.",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._start_at_zero()

    def update(self) -> None:
        """Count the stage records that are new, oldest first."""
        if self._last is None:
            self._last = self._last_before_start()
        for record in _records(self._last)[:MAX_RECORDS]:
            self._count(record)
            self._last = record["pk"]

    def _count(self, record: dict[str, Any]) -> None:
        if Stage(record["stage"]).is_last:
            self._ended.labels(record["status"], record["cause"]).inc()
        if stage := record["previous_stage"]:
            seconds = (record["entered_at"] - record["previous_at"]).total_seconds()
            self._seconds.labels(stage).observe(max(seconds, 0.0))

    def _last_before_start(self) -> int:
        newest = StageRecord.objects.order_by("-pk").filter(entered_at__lt=self._since)
        return newest.values_list("pk", flat=True).first() or 0

    def _start_at_zero(self) -> None:
        """Create the usual series now, because Prometheus cannot see an increase of one that is new."""
        for status in Status:
            if status.is_final:
                self._ended.labels(status.value, "")
        for status in _WITH_CAUSE:
            for cause in Cause:
                self._ended.labels(status.value, cause.value)
        for stage in HAPPY_PATH[:-1]:
            self._seconds.labels(stage.value)


def _records(last: int) -> QuerySet[StageRecord, Any]:
    """Return the records after `last` with the records before them in the same deployment."""
    previous = StageRecord.objects.filter(
        deployment=OuterRef("deployment"), number=OuterRef("number") - 1
    )
    newer = StageRecord.objects.filter(pk__gt=last).order_by("pk")
    return newer.values(
        "pk",
        "stage",
        "entered_at",
        status=F("deployment__status"),
        cause=F("deployment__cause"),
        previous_stage=Subquery(previous.values("stage")),
        previous_at=Subquery(previous.values("entered_at")),
    )
