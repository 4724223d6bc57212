"""The figures of many runs: parts of time, shares, percentiles, and bars to draw them by. Pure."""

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
_GAP: Final = 0.18  # of a bar's place


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """How far back is looked, and into which parts: each takes `part` hours."""

    hours: int
    label: str
    part: int
    part_label: str


RANGES: Final = (
    Range(hours=24, label="24 hours", part=1, part_label="hour"),
    Range(hours=168, label="7 days", part=6, part_label="6 hours"),
    Range(hours=720, label="30 days", part=24, part_label="day"),
)


def range_of(hours: str) -> Range:
    """Return the range of an address; the shortest where it names none."""
    return next((one for one in RANGES if str(one.hours) == hours), RANGES[0])


def edges(span: Range, now: datetime, zone: tzinfo) -> list[datetime]:
    """Return where the parts begin, and at last where the newest ends, after `now`.

    They lie where the reader's clock has them: on the hour, at 0, 6, 12 and 18, at midnight.
    """
    here = now.astimezone(zone)
    hour = here.hour - here.hour % span.part
    newest = here.replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None)
    count = span.hours // span.part
    walls = [newest + timedelta(hours=span.part * at) for at in range(1 - count, 2)]
    return [wall.replace(tzinfo=zone) for wall in walls]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What became of the runs that began in a time; `seconds` are how long some of them took."""

    since: datetime
    until: datetime
    by_status: Mapping[str, int]
    seconds: tuple[float, ...] = field(default=(), repr=False)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def count(self, outcome: str) -> int:
        """Return how many ended so; whatever has not ended is open."""
        if outcome == OPEN:
            return sum(
                number for name, number in self.by_status.items() if not statuses.is_final(name)
            )
        return self.by_status.get(outcome, 0)

    @property
    def error_rate(self) -> float | None:
        """The share of errors in the runs that came to an end by themselves; None without any."""
        ended = self.count(COMPLETE) + self.count(ERRORED)
        return self.count(ERRORED) / ended if ended else None

    @property
    def p50(self) -> float | None:
        return percentile(self.seconds, 50)

    @property
    def p95(self) -> float | None:
        return percentile(self.seconds, 95)


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed; the values are in order."""
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def figures(
    lines: Sequence[datetime],
    counts: Mapping[tuple[int, str], int],
    seconds: Mapping[int, Sequence[float]],
) -> list[Figures]:
    """Return the figures of each part between two edges, by its number."""
    return [
        Figures(
            since=since,
            until=until,
            by_status={name: number for (at, name), number in counts.items() if at == part},
            seconds=tuple(sorted(seconds.get(part, ()))),
        )
        for part, (since, until) in enumerate(pairwise(lines))
    ]


def together(parts: Sequence[Figures]) -> Figures:
    """Return the figures of all parts as one."""
    by_status: dict[str, int] = {}
    for part in parts:
        for name, number in part.by_status.items():
            by_status[name] = by_status.get(name, 0) + number
    return Figures(
        since=parts[0].since,
        until=parts[-1].until,
        by_status=by_status,
        seconds=tuple(sorted(one for part in parts for one in part.seconds)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle in a field of WIDTH by HEIGHT; `outcome` or `kind` names its colour."""

    part: int
    kind: str
    x: float
    y: float
    width: float
    height: float


def top_of(highest: float) -> float:
    """Return a round number that the highest value fits under: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


def stacked(rows: Sequence[Mapping[str, float]], *, top: float) -> list[Bar]:
    """Return bars that stand on one another in the order of their keys, a pile for each row."""
    place = WIDTH / max(len(rows), 1)
    bars = []
    for part, row in enumerate(rows):
        under = 0.0
        for kind, value in row.items():
            if value > 0:
                bars.append(_bar(part, kind, place=place, under=under / top, share=value / top))
            under += value
    return bars


def _bar(part: int, kind: str, *, place: float, under: float, share: float) -> Bar:
    height = min(share, 1.0) * HEIGHT
    return Bar(
        part=part,
        kind=kind,
        x=round((part + _GAP / 2) * place, 2),
        y=round(HEIGHT - under * HEIGHT - height, 2),
        width=round(place * (1 - _GAP), 2),
        height=round(max(height, 0.8), 2),
    )
