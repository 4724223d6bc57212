"""A target as the poller remembers it: what it was asked for, and what is to be asked for next."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet

from runs.models import Run
from runs.sync import poll_queries
from runs.sync.call_budget import Budget
from runs.sync.poll_backoff import Pace
from targets.cloudflare.account import Account
from targets.models import Target

OUTSIDE: Final = 10.0  # seconds between looks for waits that were answered elsewhere


@dataclass
class AskedWorkflow:
    """A Workflow at a target; times are on the clock of monotonic.

    `next_at` is when its list is read again, `unseen_at` when it is looked for runs that go on and
    that no list has told of: `suspects`. `live` is what was live by the last look.
    """

    name: str
    next_at: float = 0.0
    unseen_at: float = 0.0
    error: str = ""
    suspects: list[int] = field(default_factory=list)
    live: tuple[Any, ...] | None = None


@dataclass
class Place:
    """`resting` are runs that could not be read, and until when."""

    target: Target
    account: Account
    budget: Budget
    workflows: dict[str, AskedWorkflow] = field(default_factory=dict)
    paces: dict[int, Pace] = field(default_factory=dict)
    resting: dict[int, float] = field(default_factory=dict)
    outside_at: float = 0.0

    @property
    def error(self) -> str:
        return next((one.error for one in self.workflows.values() if one.error), "")

    def changing(self) -> list[Run]:
        """Return runs that go on and may have changed unseen, or are due to."""
        now = time.monotonic()
        found = [*poll_queries.due(self._readable()), *self._suspected()]
        if now >= self.outside_at:
            self.outside_at = now + OUTSIDE
            found += poll_queries.waiting_long(self._readable())
        return list({run.pk: run for run in found}.values())

    def unread(self) -> list[Run]:
        """Return runs whose steps nobody has read since they began, changed or ended."""
        return list(poll_queries.unread(self._readable()))

    def _readable(self) -> QuerySet[Run]:
        resting = [pk for pk, until in self.resting.items() if until > time.monotonic()]
        mine = Run.objects.filter(target=self.target, gone_at=None).exclude(pk__in=resting)
        return mine.select_related("target", "workflow")

    def _suspected(self) -> list[Run]:
        """Take a few of the runs that may have changed; they are looked for again later."""
        taken: list[int] = []
        for workflow in self.workflows.values():
            taken += workflow.suspects[: poll_queries.MOST]
            del workflow.suspects[: poll_queries.MOST]
        return list(self._readable().filter(pk__in=taken)) if taken else []
