"""Times and durations as pages and commands show them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def duration_words(seconds: float) -> str:
    """Format a duration: "12 ms", "1.4 s", "2 m 05 s", "1 h 02 m", "6 d 23 h"."""
    if seconds < 0.095:
        return f"{max(round(seconds * 1000), 0)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        return "{} m {:02} s".format(*divmod(round(seconds), 60))
    if seconds < 2 * _DAY:
        return "{} h {:02} m".format(*divmod(round(seconds / 60), 60))
    return "{} d {} h".format(*divmod(round(seconds / _HOUR), 24))


def duration(time: timedelta | float | None) -> str:
    """Format a duration like `duration_words`; "" if it is unknown."""
    if time is None:
        return ""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    return duration_words(seconds)


def elapsed(seconds: float) -> str:
    """Format the time so far in whole seconds; the page keeps counting from there."""
    whole = int(max(seconds, 0))
    return f"{whole} s" if whole < _MINUTE else duration(float(whole))


def ago(moment: datetime, now: datetime) -> str:
    """Format how long ago a time was: "just now", "3 min ago", "5 h ago", "2 days ago"."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < _HOUR:
        return f"{max(round(seconds / _MINUTE), 1)} min ago"
    if seconds < _DAY:
        return f"{round(seconds / _HOUR)} h ago"
    days = round(seconds / _DAY)
    return "1 day ago" if days == 1 else f"{days} days ago"
