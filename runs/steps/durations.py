"""Spans of time: in words, and as settings of a workflow write them."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any, Final

_MINUTE: Final = 60
_DAY: Final = 1440  # minutes
_MONTH: Final = 30 * _DAY
_YEAR: Final = 365 * _DAY
_SPAN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", re.IGNORECASE)
_UNITS: Final = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_592_000.0,
    "year": 31_557_600.0,
}


def in_words(span: timedelta) -> str:
    """Say it in one unit, as wrangler does: "0 seconds", "1 minute", "3 hours", "12 days"."""
    seconds = abs(span.total_seconds())
    minutes = seconds / 60
    if minutes < 1:
        return _counted(seconds, "second")
    for most, size, unit in (
        (_MINUTE, 1, "minute"),
        (_DAY, 60, "hour"),
        (_MONTH, _DAY, "day"),
        (_YEAR, _MONTH, "month"),
    ):
        if minutes < most:
            return _counted(minutes / size, unit)
    return _counted(minutes / _YEAR, "year")


def _counted(number: float, unit: str) -> str:
    whole = math.floor(number + 0.5)
    return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"


def seconds_of(span: Any) -> float | None:
    """Read milliseconds, or words like "5 seconds"; None for what says no time."""
    if isinstance(span, int | float):
        return span / 1000
    found = _SPAN.fullmatch(str(span or ""))
    if found is None or found[2].lower() not in _UNITS:
        return None
    return float(found[1]) * _UNITS[found[2].lower()]
