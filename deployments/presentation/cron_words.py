"""A cron expression for people: in words where that is simple, and when it fires next, in UTC.

Cloudflare's reading: weekdays from 1 (Sunday) to 7, and where both days are limited, either is enough.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Final

from workflows.ir.document.cron import cron_errors

_FAR: Final = timedelta(days=3_700)  # the next 29 February on a given weekday may be years away
_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY_WORDS: Final = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)

IsDay = Callable[[date], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An expression with what it means: `words` is "" where that is not simple, `next` None: never."""

    expression: str
    words: str
    next: datetime | None


def describe_cron(expression: str, now: datetime) -> Schedule | None:
    """Return what the expression means; None for what Cloudflare would refuse."""
    text = " ".join(expression.upper().split())
    if any(cron_errors(text)):
        return None
    return Schedule(expression=expression, words=_words(text.split(" ")), next=_next(text, now))


def _words(parts: list[str]) -> str:
    minute, hour, day, month, weekday = parts
    if month != "*" or (day != "*" and weekday != "*"):
        return ""
    if (hour, day, weekday) == ("*", "*", "*"):
        return _in_the_hour(minute)
    if minute.isdecimal() and (day, weekday) == ("*", "*") and _step(hour, 24):
        return f"every {_step(hour, 24)} hours, at minute {int(minute)}"
    when = _days(day, weekday)
    if not (minute.isdecimal() and hour.isdecimal() and when):
        return ""
    return f"{when} at {int(hour):02}:{int(minute):02} UTC"


def _in_the_hour(minute: str) -> str:
    if minute == "*":
        return "every minute"
    if minute.isdecimal():
        return f"every hour, at minute {int(minute)}"
    step = _step(minute, 60)
    return f"every {step} minutes" if step else ""


def _step(text: str, whole: int) -> int:
    """Return the step of `*/5` where it goes evenly into the whole, else 0."""
    found = re.fullmatch(r"\*/(\d+)", text)
    step = int(found[1]) if found else 0
    return step if step > 1 and whole % step == 0 else 0


def _days(day: str, weekday: str) -> str:
    if day == weekday == "*":
        return "every day"
    if day != "*":
        if day == "L":
            return "on the last day of every month"
        return f"on day {int(day)} of every month" if day.isdecimal() else ""
    first, dash, last = weekday.partition("-")
    numbers = [_weekday(one) for one in ([first, last] if dash else weekday.split(","))]
    if not all(numbers):
        return ""
    words = [_DAY_WORDS[number - 1] for number in numbers]
    return f"{words[0]} to {words[1]}" if dash else f"every {' and '.join(words)}"


def _weekday(text: str) -> int:
    """Return 1 (Sunday) to 7, or 0 for what is no single day."""
    if text in _DAYS:
        return _DAYS.index(text) + 1
    return int(text) if text.isdecimal() and 1 <= int(text) <= 7 else 0


def _next(text: str, now: datetime) -> datetime | None:
    minute, hour, day, month, weekday = text.split(" ")
    minutes = _values(minute, 0, 59)
    hours, months = _values(hour, 0, 23), _values(month, 1, 12, _MONTHS)
    is_day = _either(day, weekday)
    after = now.astimezone(UTC)
    for one in _dates(after.date()):
        if one.month in months and is_day(one):
            for at in product(sorted(hours), sorted(minutes)):
                moment = datetime.combine(one, time(*at), UTC)
                if moment > after:
                    return moment
    return None


def _dates(first: date) -> Iterator[date]:
    for days in range(_FAR.days):
        yield first + timedelta(days=days)


def _values(text: str, least: int, most: int, words: tuple[str, ...] = ()) -> frozenset[int]:
    """Return the numbers of a field; a range may go over the end: `22-2` are five hours."""
    size, found = most - least + 1, set[int]()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        begin = least if base == "*" else _number(first, least, words)
        until = most if base == "*" or (slash and not dash) else begin
        end = _number(last, least, words) if dash else until
        count = (end - begin) % size // int(step or 1) + 1
        found.update((begin - least + at * int(step or 1)) % size + least for at in range(count))
    return frozenset(found)


def _number(text: str, least: int, words: tuple[str, ...]) -> int:
    return words.index(text) + least if text in words else int(text)


def _either(day: str, weekday: str) -> IsDay:
    on_day, on_weekday = _month_day(day), _week_day(weekday)
    if "*" in (day, weekday):
        return lambda one: on_day(one) and on_weekday(one)
    return lambda one: on_day(one) or on_weekday(one)


def _month_day(text: str) -> IsDay:
    """`L` is the month's last day, `L-3` three days before it, `15W` the weekday nearest to the 15th."""
    found = re.fullmatch(r"(?:L(?:-(\d+))?(W?)|(\d+)W)", text)
    if not found:
        days = _values(text, 1, 31)
        return lambda one: one.day in days
    before, near, day = int(found[1] or 0), found[2] != "", found[3]

    def is_day(one: date) -> bool:
        wanted = int(day) if day else _last(one) - before
        if not 1 <= wanted <= _last(one):
            return False
        return one.day == (_nearest_weekday(one, wanted) if near else wanted)

    return is_day


def _last(one: date) -> int:
    return monthrange(one.year, one.month)[1]


def _nearest_weekday(one: date, day: int) -> int:
    weekday = one.replace(day=day).isoweekday()
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 7:
        return day + 1 if day < _last(one) else day - 2
    return day


def _week_day(text: str) -> IsDay:
    """`6L` is the month's last Friday, `6#2` its second; `L` alone is Saturday."""
    found = re.fullmatch(r"(\w+?)(L|#([1-5]))", text)
    if text == "L" or not found:
        days = _values("7" if text == "L" else text, 1, 7, _DAYS)
        return lambda one: one.isoweekday() % 7 + 1 in days
    number, nth = _number(found[1], 1, _DAYS), int(found[3] or 0)

    def is_day(one: date) -> bool:
        is_nth = (one.day + 6) // 7 == nth if nth else one.day + 7 > _last(one)
        return one.isoweekday() % 7 + 1 == number and is_nth

    return is_day
