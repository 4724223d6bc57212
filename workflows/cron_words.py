"""A cron expression in plain words: a description, and the time of the next run in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cron_descriptor import Options, get_description

from workflows.ir.document import cron
from workflows.ir.document.cron_calendar import next_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A cron expression; the description may be "". If it never runs, `next_run` is None."""

    expression: str
    description: str
    next_run: datetime | None


def describe_cron(expression: str, now: datetime) -> Schedule | None:
    """Return the schedule of an expression; None if Cloudflare would reject it."""
    text = " ".join(expression.upper().split())
    if any(cron.cron_errors(text)):
        return None
    moment = next_run(text, now)
    description = _describe(text) if moment else ""
    return Schedule(expression=expression, description=description, next_run=moment)


def describe_crons(expressions: Iterable[str], now: datetime) -> list[Schedule]:
    """Return the schedules of the valid expressions."""
    schedules = (describe_cron(expression, now) for expression in expressions)
    return [schedule for schedule in schedules if schedule]


def _describe(text: str) -> str:
    """Return "" for what the library describes wrongly: uneven steps and `L-3W`."""
    minute, hour, day, month, weekday = text.split(" ")
    if _is_uneven(minute, 60) or _is_uneven(hour, 24) or re.fullmatch(r"L-[0-9]+W", day):
        return ""
    options = Options()
    options.locale_code = "en_US"
    options.use_24hour_time_format = True
    options.day_of_week_start_index_zero = False
    options.verbose = hour != "*"  # adds "every day"
    weekday = cron.DAYS[-1] if weekday == "L" else weekday
    words = get_description(f"{minute} {hour} {day} {month} {weekday}", options=options)
    return f"{words[:1].lower()}{words[1:]}{' (UTC)' if ':' in words else ''}"


def _is_uneven(field: str, size: int) -> bool:
    """Return whether steps do not divide the whole, so that the last interval is shorter."""
    return any(size % int(step) for step in re.findall(r"/([0-9]+)", field))
