"""Cron expressions as Cloudflare reads them: five fields, weekdays from 1 (Sunday) to 7."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.reading.problems import quoted

MOST_LETTERS: Final = 256
_NUMBER: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One of the five; `words` stand for its numbers from `least` on, `more` are forms of its own."""

    title: str
    least: int
    most: int
    words: tuple[str, ...] = ()
    more: str = ""
    also: str = ""

    @property
    def how_to(self) -> str:
        range_ = f"{self.least}-{self.most}"
        words = f" or {self.words[0]}-{self.words[-1]}" if self.words else ""
        return f"use {range_}{words}, * for any, 1,2 for a list, 1-5 for a range, */2 for a step{self.also}"

    def takes(self, text: str) -> bool:
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
        if text in self.words:
            return True
        return bool(_NUMBER.fullmatch(text)) and self.least <= int(text) <= self.most

    def _is_special(self, text: str) -> bool:
        found = re.fullmatch(self.more, text) if self.more else None
        return found is not None and all(self._is_value(day) for day in found.groups() if day)


_MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final = (
    _Field(title="minute", least=0, most=59),
    _Field(title="hour", least=0, most=23),
    _Field(
        title="day of the month",
        least=1,
        most=31,
        more=r"LW?|L-(?:[1-9]|[12][0-9]|30)W?|([0-9]+)W",
        also=", L for the last day, LW for the last weekday, 15W for the weekday nearest to the 15th",
    ),
    _Field(title="month", least=1, most=12, words=_MONTHS),
    _Field(
        title="weekday",
        least=1,
        most=7,
        words=_DAYS,
        more=r"L|([0-9]|[A-Z]{3})(?:L|#[1-5])",
        also=", 6L for the last Friday, 6#2 for the second; Sunday is 1",
    ),
)


def cron_errors(expression: str) -> Iterator[str]:
    """Yield what Cloudflare would refuse of an expression whose fields stand one blank apart."""
    parts = expression.split(" ")
    if len(expression) > MOST_LETTERS:
        yield f"must have at most {MOST_LETTERS} characters"
    elif len(parts) != len(_FIELDS):
        titles = ", ".join(field.title for field in _FIELDS)
        yield f"has {len(parts)} fields: write the five of a cron expression ({titles}), in UTC"
    else:
        for field, part in zip(_FIELDS, parts, strict=True):
            if not field.takes(part.upper()):
                yield f"{quoted(part)} is no {field.title}: {field.how_to}"
