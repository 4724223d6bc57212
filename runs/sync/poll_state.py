"""What the poller remembers about a target: what was read, and what to read next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, Final

from django.db.models import QuerySet

from runs.models import Run
from runs.sync import poll_queries
from runs.sync.call_budget import Budget, Use
from runs.sync.poll_backoff import Backoff
from targets.cloudflare.account import Account
from targets.models import Target

WAITS_CHECK_INTERVAL: Final = 10.0  # seconds


@dataclass
class WorkflowState:
    """A Workflow on a target; times are on the monotonic clock.

    `next_at` is when its list is read again (set by `TargetState.schedule`), `unlisted_at` when open runs that no list returned are
    checked next. `to_check` holds the ids of such runs. `deployment` is the newest deployment as of
    the last list.
    """

    name: str
    next_at: float = 0.0
    unlisted_at: float = 0.0
    to_check: list[int] = field(default_factory=list)
    deployment: tuple[Any, ...] | None = None


@dataclass
class TargetState:
    """A target and its Workflows, by name.

    `paused` maps runs that could not be read to when to retry, and `errors` the Workflows whose list
    could not be read to the reason. `watched` are the names that an open page shows. A turn must not
    look at every Workflow, because there can be many.
    """

    target: Target
    account: Account
    budget: Budget
    workflows: dict[str, WorkflowState] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()
    backoffs: dict[int, Backoff] = field(default_factory=dict)
    paused: dict[int, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    to_check: set[str] = field(default_factory=set)
    waits_checked_at: float = 0.0
    _names: frozenset[str] = frozenset()
    _queue: list[tuple[float, str]] = field(default_factory=list)

    @property
    def error(self) -> str:
        return next(iter(self.errors.values()), "")

    def set_names(self, names: frozenset[str]) -> None:
        """Add and remove Workflows."""
        if names is self._names:
            return
        self._names = names
        self.workflows = {
            name: self.workflows.get(name) or WorkflowState(name) for name in sorted(names)
        }
        self.errors = {name: error for name, error in self.errors.items() if name in names}
        self.to_check &= names
        self._queue = [(workflow.next_at, name) for name, workflow in self.workflows.items()]
        heapify(self._queue)

    def set_watched(self, names: frozenset[str]) -> None:
        """Note what open pages show; a list that was not shown before is due now."""
        names &= self._names
        for name in names - self.watched:
            self.schedule(self.workflows[name], time.monotonic())
        self.watched = names

    def schedule(self, workflow: WorkflowState, at: float) -> None:
        """Set when a list is read again."""
        workflow.next_at = at
        heappush(self._queue, (at, workflow.name))

    def due(self, now: float) -> Iterator[WorkflowState]:
        """Yield the Workflows whose list is due: those that open pages show, then the most overdue.

        Each has to be scheduled again before the next one is taken.
        """
        for name in sorted(self.watched):
            if (workflow := self.workflows[name]).next_at <= now:
                yield workflow
        while self._queue and self._queue[0][0] <= now:
            at, name = self._queue[0]
            if name in self.workflows and self.workflows[name].next_at == at:
                yield self.workflows[name]
            else:  # it was scheduled again or removed
                heappop(self._queue)

    def runs_to_check(self) -> list[Run]:
        """Return open runs that are due, or that may have changed without a list showing it."""
        now = time.monotonic()
        runs = [*poll_queries.due(self._readable()), *self._unlisted()]
        if now >= self.waits_checked_at:
            self.waits_checked_at = now + WAITS_CHECK_INTERVAL
            runs += poll_queries.long_waiting(self._readable())
        return list({run.pk: run for run in runs}.values())

    def unread_runs(self) -> list[Run]:
        """Return runs whose steps have not been read since they started, changed or ended."""
        return list(poll_queries.unread(self._readable()))

    def _readable(self) -> QuerySet[Run]:
        paused = [pk for pk, until in self.paused.items() if until > time.monotonic()]
        runs = Run.objects.filter(target=self.target, gone_at=None).exclude(pk__in=paused)
        return runs.select_related("target", "workflow")

    def _unlisted(self) -> list[Run]:
        """Take a few runs of each Workflow from `to_check`, if they can be read."""
        ids: list[int] = []
        if not self.to_check or not self.budget.allows(Use.READS):
            return []
        for workflow in [self.workflows[name] for name in sorted(self.to_check)]:
            ids += workflow.to_check[: poll_queries.MAX_RUNS]
            self.set_to_check(workflow, workflow.to_check[poll_queries.MAX_RUNS :])
        return list(self._readable().filter(pk__in=ids))

    def set_to_check(self, workflow: WorkflowState, runs: list[int]) -> None:
        """Set the runs of a Workflow that no list has returned and that have to be read."""
        workflow.to_check = runs
        if runs:
            self.to_check.add(workflow.name)
        else:
            self.to_check.discard(workflow.name)
