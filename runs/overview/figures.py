"""Figures of many runs: counts and percentiles per part of a time range, and chart bars. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from runs import statuses

COMPLETE, ERRORED, TERMINATED, OPEN = "complete", "errored", "terminated", "open"
OUTCOMES: Final = (COMPLETE, ERRORED, TERMINATED, OPEN)
WIDTH, HEIGHT = 1_000.0, 100.0
_GAP: Final = 0.18  # of a bar's slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A time range up to now, divided into parts of `part` hours."""

    hours: int
    label: str
    part: int
    part_label: str


RANGES: Final = (
    Range(hours=24, label="24 hours", part=1, part_label="hour"),
    Range(hours=168, label="7 days", part=6, part_label="6 hours"),
    Range(hours=720, label="30 days", part=24, part_label="day"),
)


def find_range(hours: str) -> Range:
    """Return the range with this number of hours; the shortest if there is none."""
    return next((item for item in RANGES if str(item.hours) == hours), RANGES[0])


def boundaries(span: Range, now: datetime, zone: tzinfo) -> list[datetime]:
    """Return the boundaries of the parts; the last one is after `now`.

    They are on the hour in the given time zone: every hour, at 0, 6, 12 and 18, or at midnight.
    """
    local = now.astimezone(zone)
    hour = local.hour - local.hour % span.part
    newest = local.replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None)
    count = span.hours // span.part
    naive = [newest + timedelta(hours=span.part * at) for at in range(1 - count, 2)]
    return [moment.replace(tzinfo=zone) for moment in naive]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The runs that started in a period; `seconds` are the durations of a sample, in order."""

    since: datetime
    until: datetime
    by_status: Mapping[str, int]
    seconds: tuple[float, ...] = field(default=(), repr=False)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def count(self, outcome: str) -> int:
        """Return the number of runs with this outcome; every run that has not ended is open."""
        if outcome == OPEN:
            return sum(
                number for name, number in self.by_status.items() if not statuses.is_final(name)
            )
        return self.by_status.get(outcome, 0)

    @property
    def error_rate(self) -> float | None:
        """The share of errors in the runs that completed or failed; None if there are none."""
        ended = self.count(COMPLETE) + self.count(ERRORED)
        return self.count(ERRORED) / ended if ended else None

    @property
    def p50(self) -> float | None:
        return percentile(self.seconds, 50)

    @property
    def p95(self) -> float | None:
        return percentile(self.seconds, 95)


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the percentile of sorted values (nearest rank); None if there are none."""
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def figures_per_part(
    bounds: Sequence[datetime],
    counts: Mapping[tuple[int, str], int],
    seconds: Mapping[int, Sequence[float]],
) -> list[Figures]:
    """Return the figures between each pair of bounds; `counts` and `seconds` are by part number."""
    return [
        Figures(
            since=since,
            until=until,
            by_status={name: number for (at, name), number in counts.items() if at == part},
            seconds=tuple(sorted(seconds.get(part, ()))),
        )
        for part, (since, until) in enumerate(pairwise(bounds))
    ]


def combine(parts: Sequence[Figures]) -> Figures:
    """Return the figures of the whole range."""
    by_status: dict[str, int] = {}
    for part in parts:
        for name, number in part.by_status.items():
            by_status[name] = by_status.get(name, 0) + number
    return Figures(
        since=parts[0].since,
        until=parts[-1].until,
        by_status=by_status,
        seconds=tuple(sorted(value for part in parts for value in part.seconds)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle in a chart of WIDTH by HEIGHT; `kind` names its color."""

    part: int
    kind: str
    x: float
    y: float
    width: float
    height: float


def axis_top(highest: float) -> float:
    """Return the top of an axis for this highest value: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


def stacked_bars(rows: Sequence[Mapping[str, float]], *, top: float) -> list[Bar]:
    """Return stacked bars for each row, in the order of its keys from the bottom."""
    slot = WIDTH / max(len(rows), 1)
    bars = []
    for part, row in enumerate(rows):
        base = 0.0
        for kind, value in row.items():
            if value > 0:
                bars.append(_bar(part, kind, slot=slot, base=base / top, share=value / top))
            base += value
    return bars


def _bar(part: int, kind: str, *, slot: float, base: float, share: float) -> Bar:
    height = min(share, 1.0) * HEIGHT
    return Bar(
        part=part,
        kind=kind,
        x=round((part + _GAP / 2) * slot, 2),
        y=round(HEIGHT - base * HEIGHT - height, 2),
        width=round(slot * (1 - _GAP), 2),
        height=round(max(height, 0.8), 2),
    )
