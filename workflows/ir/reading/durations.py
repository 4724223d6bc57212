"""Durations in the forms that Cloudflare accepts: milliseconds, or a number and a unit."""

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
_PATTERN: Final = re.compile(r"([0-9]{1,15}) (second|minute|hour|day|week|month|year)s?")

MAX_DURATION: Final = 365 * _DAY
RULE: Final = (
    'must be a number of milliseconds, or a number and a unit (second to year) such as "30 seconds" '
    'or "2 hours", at most 365 days'
)


@lru_cache(maxsize=256)
def milliseconds(text: str) -> int | None:
    """Return the milliseconds in a duration such as "2 hours"; None if the text is not a duration."""
    match = _PATTERN.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def written(length: int) -> str:
    """Return a number of milliseconds as people write it: 5,400,000 is "90 minutes"."""
    for unit, size in reversed(_UNITS.items()):
        if unit in ("second", "minute", "hour", "day") and length and length % size == 0:
            count = length // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return str(length)


def words(length: int) -> str:
    """Return a number of milliseconds in the largest units: 5,400,000 is "1 hour 30 minutes"."""
    parts = []
    for unit in ("day", "hour", "minute", "second"):
        count, length = divmod(length, _UNITS[unit])
        if count:
            parts.append(f"{count:,} {unit}{'' if count == 1 else 's'}")
    if length or not parts:
        parts.append(f"{length} ms")
    return " ".join(parts)
