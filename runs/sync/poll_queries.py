"""What the poller reads: the Workflows of each target, and single runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import chain
from typing import Final

from django.db.models import Max, QuerySet
from django.utils import timezone

from deployments.history.live_workflows import LiveWorkflows
from runs.models import Run

MAX_RUNS: Final = 20  # of each kind, in one turn
_MAX_WAITING: Final = 4
_GRACE: Final = timedelta(seconds=1)  # for the target to continue after a sleep
_REREAD_AFTER: Final = 60.0  # seconds
_WAIT_CHECK_AGE: Final = timedelta(seconds=60)  # a wait may have been answered elsewhere


class WorkflowsToList:
    """Which Workflows to list: those that are live, and those with open runs.

    New runs and changed deployments count in the next turn, anything else within a minute.
    """

    def __init__(self) -> None:
        self._live = LiveWorkflows()
        self._names: dict[int, frozenset[str]] = {}
        self._newest_run = 0
        self._read_at: float | None = None

    def by_target(self) -> Mapping[int, frozenset[str]]:
        """Return the names by target. The set of a target is the same object until it changes."""
        newest = Run.objects.aggregate(newest=Max("pk"))["newest"] or 0
        has_changed = self._live.update()
        if has_changed or self._read_at is None or time.monotonic() > self._read_at + _REREAD_AFTER:
            self._replace(_grouped(chain(self._live.names, _open(Run.objects.all()))))
            self._read_at = time.monotonic()
        elif newest != self._newest_run:
            found = _grouped(_open(Run.objects.filter(pk__gt=self._newest_run)))
            self._replace({**self._names, **_added(self._names, found)})
        self._newest_run = newest
        return self._names

    def _replace(self, names: Mapping[int, frozenset[str]]) -> None:
        kept = self._names
        self._names = {
            target: kept[target] if kept.get(target) == each else each
            for target, each in names.items()
        }


def _open(runs: QuerySet[Run]) -> Iterable[tuple[int, str]]:
    """Return target and name of the Workflows that have open runs."""
    return runs.filter(is_open=True).order_by().values_list("target", "workflow_name").distinct()


def _grouped(names: Iterable[tuple[int, str]]) -> dict[int, frozenset[str]]:
    groups: dict[int, set[str]] = {}
    for target, name in names:
        groups.setdefault(target, set()).add(name)
    return {target: frozenset(group) for target, group in groups.items()}


def _added(
    names: Mapping[int, frozenset[str]], found: Mapping[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    return {target: names.get(target, frozenset()) | each for target, each in found.items()}


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
