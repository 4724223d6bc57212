"""What the poller reads: the Workflows of each target, and single runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from deployments.history import records, workflow_names
from runs.models import Run
from targets.cloudflare import naming
from workflows.ir.document.kinds import PROJECT, SCRIPT

MAX_RUNS: Final = 20  # of each kind, in one turn
_MAX_WAITING: Final = 4
_GRACE: Final = timedelta(seconds=1)  # for the target to continue after a sleep
_WAIT_CHECK_AGE: Final = timedelta(seconds=60)  # a wait may have been answered elsewhere


def workflows_to_list() -> dict[int, set[str]]:
    """Return the Workflows to list, by target: those that are live, and those with open runs."""
    live = records.not_taken_down().filter(target__isnull=False).order_by()
    rows = list(live.values_list("target", "worker_name", "ir__kind").distinct())
    deployed = [(target, worker) for target, worker, kind in rows if kind not in (SCRIPT, PROJECT)]
    projects = [
        (int(target or 0), naming.workflow_id(worker))
        for target, worker, kind in rows
        if kind == PROJECT
    ]
    deployed += workflow_names.of_projects(projects) if projects else []
    open_runs = Run.objects.filter(is_open=True).order_by()
    names: dict[int, set[str]] = {}
    for target, name in [*deployed, *open_runs.values_list("target", "workflow_name").distinct()]:
        names.setdefault(int(target or 0), set()).add(name)
    return names


def unread(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs whose steps have not been read, newest first; queued runs have none."""
    found = runs.filter(read_at=None).exclude(is_open=True, status="queued")
    return found.order_by("-created_at")[:MAX_RUNS]


def due(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs whose sleep, wait or retry delay is over.

    Their status may be the same, although they now wait for something else.
    """
    found = runs.filter(is_open=True, due_at__lt=timezone.now() - _GRACE, read_at__isnull=False)
    return found.order_by("due_at")[:MAX_RUNS]


def long_waiting(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return runs whose wait may have been answered elsewhere, and that may now wait again."""
    read_before = timezone.now() - _WAIT_CHECK_AGE
    waiting = runs.filter(is_open=True, read_at__lt=read_before).exclude(waits_for="")
    return waiting.order_by("read_at")[:_MAX_WAITING]
