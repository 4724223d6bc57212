"""Cron expressions as Cloudflare accepts them: five fields, weekdays from 1 (Sunday) to 7."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.reading.problems import quoted

MAX_LENGTH: Final = 256
_NUMBER: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One of the five fields.

    `names` stand for its numbers, starting at `least`, `special` matches forms that only it has, and
    `special_help` explains them.
    """

    title: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    special: str = ""
    special_help: str = ""

    @property
    def help(self) -> str:
        numbers = f"{self.least}-{self.most}"
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"use {numbers}{names}, * for any, 1,2 for a list, 1-5 for a range, */2 for a step{self.special_help}"

    def accepts(self, text: str) -> bool:
        if text == "*" or self._is_special(text):
            return True
        return all(self._is_item(item) for item in text.split(","))

    def _is_item(self, item: str) -> bool:
        base, slash, step = item.partition("/")
        if slash and not self._is_step(step):
            return False
        if base == "*":
            return bool(slash)
        first, dash, last = base.partition("-")
        return self._is_value(first) and (not dash or self._is_value(last))

    def _is_step(self, text: str) -> bool:
        return bool(_NUMBER.fullmatch(text)) and 1 <= int(text) <= self.most - self.least

    def _is_value(self, text: str) -> bool:
        if text.isascii() and text.upper() in self.names:
            return True
        return bool(_NUMBER.fullmatch(text)) and self.least <= int(text) <= self.most

    def _is_special(self, text: str) -> bool:
        match = re.fullmatch(self.special, text) if self.special else None
        return match is not None and all(self._is_value(day) for day in match.groups() if day)


MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final = (
    _Field(title="minute", least=0, most=59),
    _Field(title="hour", least=0, most=23),
    _Field(
        title="day of the month",
        least=1,
        most=31,
        special=r"LW?|L-(?:[1-9]|[12][0-9]|30)W?|([0-9]+)W",
        special_help=", L for the last day, LW for the last weekday, 15W for the weekday nearest the 15th",
    ),
    _Field(title="month", least=1, most=12, names=MONTHS),
    _Field(
        title="weekday",
        least=1,
        most=7,
        names=DAYS,
        special=r"L|([0-9]|[A-Za-z]{3})(?:L|#[1-5])",
        special_help=", 6L for the last Friday, 6#2 for the second; Sunday is 1",
    ),
)


def cron_errors(expression: str) -> Iterator[str]:
    """Yield what Cloudflare would reject; the fields must be separated by single spaces.

    Names may be lowercase, but not L and W.
    """
    parts = expression.split(" ")
    if len(expression) > MAX_LENGTH:
        yield f"must have at most {MAX_LENGTH} characters"
    elif len(parts) != len(_FIELDS):
        titles = ", ".join(field.title for field in _FIELDS)
        yield f"must have five fields ({titles}; times in UTC), not {len(parts)}"
    else:
        for field, part in zip(_FIELDS, parts, strict=True):
            if not field.accepts(part):
                yield f"{quoted(part)} is not a valid {field.title}: {field.help}"
