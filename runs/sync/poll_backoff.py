"""How often a run that somebody looks at is asked for: soon after a change, else ever more rarely."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from runs.models import Run

SLOWEST: Final = 10.0  # seconds between two questions
_SLOWER: Final = 1.5
_GRACE: Final = timedelta(seconds=0.5)  # that the target has to go on after a sleep


@dataclass(slots=True)
class Pace:
    """When one run is asked for next (on the clock of monotonic)."""

    next_at: float = 0.0
    wait: float = 0.0
    seen_at: datetime | None = None

    def is_due(self, run: Run) -> bool:
        """Tell whether to ask now; what somebody else has changed since is asked for at once."""
        return time.monotonic() >= self.next_at or run.seen_at != self.seen_at

    def after(self, run: Run, *, has_changed: bool, least: float) -> None:
        """Plan the next question; `least` is how long it takes in any case, in seconds."""
        self.wait = least if has_changed else max(min(self.wait * _SLOWER, SLOWEST), least)
        self.seen_at = run.seen_at
        seconds = self.wait
        if run.due_at is not None and run.due_at + _GRACE > timezone.now():
            seconds = min(
                seconds, max((run.due_at + _GRACE - timezone.now()).total_seconds(), least)
            )
        self.next_at = time.monotonic() + seconds
