"""How often a watched run is read: soon after a change, then less and less often."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from runs.models import Run

MAX_WAIT: Final = 10.0  # seconds
_FACTOR: Final = 1.5
_GRACE: Final = timedelta(seconds=0.5)  # for the target to continue after a sleep


@dataclass(slots=True)
class Backoff:
    """When one run is read next, on the monotonic clock."""

    next_at: float = 0.0
    wait: float = 0.0
    seen_at: datetime | None = None

    def is_due(self, run: Run) -> bool:
        """Whether to read the run now; always if another process has changed its row."""
        return time.monotonic() >= self.next_at or run.seen_at != self.seen_at

    def after(self, run: Run, *, has_changed: bool, shortest: float) -> None:
        """Schedule the next read, at least `shortest` seconds from now."""
        self.wait = shortest if has_changed else max(min(self.wait * _FACTOR, MAX_WAIT), shortest)
        self.seen_at = run.seen_at
        seconds = self.wait
        if run.due_at is not None and run.due_at + _GRACE > timezone.now():
            due_in = (run.due_at + _GRACE - timezone.now()).total_seconds()
            seconds = min(seconds, max(due_in, shortest))
        self.next_at = time.monotonic() + seconds
