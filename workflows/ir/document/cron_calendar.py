"""When a cron expression fires, as Cloudflare reads it.

Weekdays run from 1 (Sunday) to 7, and if both days are restricted, either one matches.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from typing import Final

from workflows.ir.document.cron import DAYS, MONTHS

_SEARCHED_DAYS: Final = 3_700  # the next 29 February on a given weekday may be years away
_ANY_MOMENT: Final = datetime(2024, 1, 1, tzinfo=UTC)

DayTest = Callable[[date], bool]


@lru_cache(maxsize=1_000)
def never_fires(expression: str) -> bool:
    """Return whether a valid expression names only days that no month has, as in `0 0 31 2 *`."""
    return next_run(" ".join(expression.upper().split()), _ANY_MOMENT) is None


def next_run(text: str, now: datetime) -> datetime | None:
    """Return when a valid expression in capital letters fires next; None if it never does."""
    minute, hour, day, month, weekday = text.split(" ")
    minutes, hours = _values(minute, 0, 59), _values(hour, 0, 23)
    months, matches = _values(month, 1, 12, MONTHS), _either_day(day, weekday)
    after = now.astimezone(UTC)
    for candidate in _dates(after.date()):
        if candidate.month in months and matches(candidate):
            for at in product(sorted(hours), sorted(minutes)):
                moment = datetime.combine(candidate, time(*at), UTC)
                if moment > after:
                    return moment
    return None


def _dates(first: date) -> Iterator[date]:
    for days in range(_SEARCHED_DAYS):
        yield first + timedelta(days=days)


def _values(text: str, least: int, most: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """Return the numbers of a field; a range may wrap around: `22-2` are five hours."""
    size, found = most - least + 1, set[int]()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        start = least if base == "*" else _number(first, least, names)
        until = most if base == "*" or (slash and not dash) else start
        end = _number(last, least, names) if dash else until
        count = (end - start) % size // int(step or 1) + 1
        found.update((start - least + at * int(step or 1)) % size + least for at in range(count))
    return frozenset(found)


def _number(text: str, least: int, names: tuple[str, ...]) -> int:
    return names.index(text) + least if text in names else int(text)


def _either_day(day: str, weekday: str) -> DayTest:
    on_day, on_weekday = _month_day(day), _week_day(weekday)
    if "*" in (day, weekday):
        return lambda candidate: on_day(candidate) and on_weekday(candidate)
    return lambda candidate: on_day(candidate) or on_weekday(candidate)


def _month_day(text: str) -> DayTest:
    """`L` is the last day, `L-3` three days before it, `15W` the weekday nearest to the 15th."""
    special = re.fullmatch(r"(?:L(?:-([0-9]+))?(W?)|([0-9]+)W)", text)
    if not special:
        days = _values(text, 1, 31)
        return lambda candidate: candidate.day in days
    before, is_nearest, day = int(special[1] or 0), special[2] != "", special[3]

    def matches(candidate: date) -> bool:
        expected = int(day) if day else _last_day(candidate) - before
        if not 1 <= expected <= _last_day(candidate):
            return False
        nearest = _nearest_weekday(candidate, expected) if is_nearest else expected
        return candidate.day == nearest

    return matches


def _last_day(candidate: date) -> int:
    return monthrange(candidate.year, candidate.month)[1]


def _nearest_weekday(candidate: date, day: int) -> int:
    weekday = candidate.replace(day=day).isoweekday()
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 7:
        return day + 1 if day < _last_day(candidate) else day - 2
    return day


def _week_day(text: str) -> DayTest:
    """`6L` is the month's last Friday, `6#2` its second; `L` alone is Saturday."""
    special = re.fullmatch(r"([A-Z0-9]+?)(L|#([1-5]))", text)
    if text == "L" or not special:
        days = _values("7" if text == "L" else text, 1, 7, DAYS)
        return lambda candidate: candidate.isoweekday() % 7 + 1 in days
    number, nth = _number(special[1], 1, DAYS), int(special[3] or 0)

    def matches(candidate: date) -> bool:
        week = (candidate.day + 6) // 7
        is_week = week == nth if nth else candidate.day + 7 > _last_day(candidate)
        return candidate.isoweekday() % 7 + 1 == number and is_week

    return matches
