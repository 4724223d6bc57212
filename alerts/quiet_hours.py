"""Quiet hours: the time of day, in a time zone, in which no message is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From `start` up to `end`, on the clock of the time zone; over midnight if `end` is earlier.

    A clock that is set forward or back makes them shorter or longer.
    """

    start: time
    end: time
    zone: str

    def include(self, moment: datetime) -> bool:
        """Return whether the moment is in the quiet hours."""
        clock = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end
