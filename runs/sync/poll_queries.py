"""What the poller asks for: which Workflows of which targets, and which of their runs one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from deployments.history import records
from runs.models import Run
from workflows.ir.document.kinds import SCRIPT

MOST: Final = 20  # runs of one turn whose steps are read, of each kind
_FEW: Final = 4
_GRACE: Final = timedelta(seconds=1)  # that the target has to go on after a sleep
_LONG: Final = timedelta(seconds=60)  # that a wait may have been answered elsewhere


def workflow_names() -> dict[int, set[str]]:
    """Return the Workflows to ask for by their targets: what is live, and what has open runs."""
    live = records.not_taken_down().filter(target__isnull=False).order_by()
    rows = live.values_list("target", "worker_name", "ir__kind").distinct()
    found = [(target, worker) for target, worker, kind in rows if kind != SCRIPT]
    with_runs = Run.objects.filter(is_open=True).order_by()
    names: dict[int, set[str]] = {}
    for target, name in [*found, *with_runs.values_list("target", "workflow_name").distinct()]:
        names.setdefault(int(target or 0), set()).add(name)
    return names


def unread(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return ended runs whose steps nobody has read, the newest first, and those that wait."""
    found = runs.filter(read_at=None).exclude(is_open=True, status="queued")
    return found.order_by("-created_at")[:MOST]


def due(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return runs of which a sleep, a wait or a pause before another try is over by now.

    Their status may be what it was, and yet they wait for something else.
    """
    found = runs.filter(is_open=True, due_at__lt=timezone.now() - _GRACE, read_at__isnull=False)
    return found.order_by("due_at")[:MOST]


def waiting_long(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return runs whose wait may have been answered elsewhere: they may wait on, for something else."""
    asked = timezone.now() - _LONG
    waiting = runs.filter(is_open=True, read_at__lt=asked).exclude(waits_for="")
    return waiting.order_by("read_at")[:_FEW]
