"""Durations as Cloudflare reads them: milliseconds, or a number and a unit."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SECOND: Final = 1000
_DAY: Final = 24 * 60 * 60 * _SECOND
_UNITS: Final = {
    "second": _SECOND,
    "minute": 60 * _SECOND,
    "hour": 60 * 60 * _SECOND,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 30 * _DAY,
    "year": 365 * _DAY,
}
_WORDS: Final = re.compile(r"(\d{1,15}) (second|minute|hour|day|week|month|year)s?")

LONGEST: Final = 365 * _DAY
HOW_TO: Final = (
    'write a number of milliseconds, or a number and a unit such as "30 seconds", "2 hours" or '
    '"1 day" (second to year), at most 365 days'
)


@lru_cache(maxsize=256)
def milliseconds(words: str) -> int | None:
    """Return how long "2 hours" is; None when the words are not a duration."""
    match = _WORDS.fullmatch(words)
    return int(match[1]) * _UNITS[match[2]] if match else None
