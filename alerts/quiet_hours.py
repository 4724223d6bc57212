"""Quiet hours: the time of day, in a time zone, in which no message is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From `start` up to `end`, in the local time of the time zone; past midnight if `end` is earlier.

    Daylight saving time makes them shorter or longer when it starts or ends.
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
