"""What is waiting in the queue, and whether any process is working on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from deployments.models import Deployment, Lease, StageRecord
from deployments.pipeline.stages import UNFINISHED, Status
from deployments.queue import claims
from deployments.queue.leases import EXPIRES_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """`oldest_seconds` is how long the oldest deployment that could start has waited; 0 without one.

    `is_worked_on` says whether a process has shown within a minute that it works on deployments.
    """

    waiting: int
    running: int
    oldest_seconds: float
    is_worked_on: bool

    @property
    def is_stalled(self) -> bool:
        """Whether a deployment is waiting although no process is working on the queue."""
        return self.oldest_seconds > LONGEST_WAIT and not self.is_worked_on


LONGEST_WAIT: Final = 60.0  # seconds that a deployment waits if no process is working on the queue


def backlog() -> Backlog:
    """Return the backlog of all processes; it takes four queries that use indexes."""
    counts = Deployment.objects.filter(status__in=UNFINISHED).aggregate(
        waiting=Count("pk", Q(status=Status.QUEUED.value)),
        running=Count("pk", Q(status=Status.RUNNING.value)),
    )
    return Backlog(**counts, oldest_seconds=_oldest_seconds(), is_worked_on=_is_worked_on())


def _oldest_seconds() -> float:
    since = claims.startable().aggregate(since=Min(Coalesce("not_before", "created_at")))["since"]
    return max((timezone.now() - since).total_seconds(), 0.0) if since else 0.0


def _is_worked_on() -> bool:
    if Lease.objects.filter(heartbeat_at__gt=Now() - EXPIRES_AFTER).exists():
        return True
    newest = StageRecord.objects.order_by("-pk").values_list("entered_at", flat=True).first()
    return newest is not None and newest > timezone.now() - EXPIRES_AFTER
