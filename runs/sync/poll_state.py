"""What the poller remembers about a target: what was read, and what to read next."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
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

    `next_at` is when its list is read again, `unlisted_at` when open runs that no list returned are
    checked next. `to_check` holds the ids of such runs. `deployment` is the newest deployment as of
    the last list.
    """

    name: str
    next_at: float = 0.0
    unlisted_at: float = 0.0
    error: str = ""
    to_check: list[int] = field(default_factory=list)
    deployment: tuple[Any, ...] | None = None


@dataclass
class TargetState:
    """A target and its Workflows; `paused` maps runs that could not be read to when to retry."""

    target: Target
    account: Account
    budget: Budget
    workflows: dict[str, WorkflowState] = field(default_factory=dict)
    backoffs: dict[int, Backoff] = field(default_factory=dict)
    paused: dict[int, float] = field(default_factory=dict)
    waits_checked_at: float = 0.0

    @property
    def error(self) -> str:
        errors = (workflow.error for workflow in self.workflows.values() if workflow.error)
        return next(errors, "")

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
        if not self.budget.allows(Use.READS):
            return []
        for workflow in self.workflows.values():
            ids += workflow.to_check[: poll_queries.MAX_RUNS]
            del workflow.to_check[: poll_queries.MAX_RUNS]
        return list(self._readable().filter(pk__in=ids)) if ids else []
