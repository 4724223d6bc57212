"""A run's steps as the rows of a timeline: what was tried when, in percent of the time shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runs.steps.step_reader import Step
from workflows.picture.states import State

PER_PAGE: Final = 300
MAX_BARS: Final = 60
_NARROWEST: Final = 0.4  # percent: what is shorter would not be seen
_AHEAD: Final = 0.15  # of the time so far, where a step goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of time; `look` is a state, "pause" between attempts, "sleep" or "wait"."""

    look: str
    left: float
    width: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    step: Step
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A page of rows; `marks` are the seconds since the first of them at the quarters of the width."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    total: int
    marks: tuple[float, ...]


def page_of(number: int) -> int:
    """Return the page on which a step stands."""
    return (max(number, 1) - 1) // PER_PAGE + 1


def timeline(steps: Sequence[Step], *, page: int, now: datetime) -> Timeline:
    """Lay out a page of the steps over the time that they took."""
    pages = max(page_of(len(steps)), 1)
    page = min(max(page, 1), pages)
    shown = steps[(page - 1) * PER_PAGE : page * PER_PAGE]
    scale = _Scale.of(shown, now)
    return Timeline(
        rows=tuple(Row(step=step, bars=_bars(step, scale)) for step in shown),
        page=page,
        pages=pages,
        total=len(steps),
        marks=tuple(scale.seconds * quarter / 4 for quarter in range(5)),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """The time that a page shows; what goes on has some room ahead of it, however long it will be."""

    start: datetime
    seconds: float
    now: datetime

    @classmethod
    def of(cls, steps: Sequence[Step], now: datetime) -> _Scale:
        starts = [step.start for step in steps if step.start]
        if not starts:
            return cls(now, 1.0, now)
        first = min(starts)
        last = max(_ends(steps, now), default=first)
        seconds = (last - first).total_seconds()
        ahead = 1 + _AHEAD if any(step.is_open for step in steps) else 1
        return cls(first, max(seconds * ahead, 0.001), now)

    def bar(self, look: str, start: datetime, end: datetime, words: str) -> Bar:
        left = self._percent(start)
        width = max(self._percent(end) - left, _NARROWEST)
        left = min(left, 100 - width)
        return Bar(look=look, left=round(left, 3), width=round(width, 3), words=words)

    def _percent(self, moment: datetime) -> float:
        share = (moment - self.start).total_seconds() / self.seconds
        return min(max(share, 0), 1) * 100


def _ends(steps: Iterable[Step], now: datetime) -> Iterator[datetime]:
    for step in steps:
        if step.is_open:
            yield now
        elif step.end or step.start:
            ends = [step.end or step.start, *(one.end for one in step.attempts)]
            yield max(end for end in ends if end)


def _bars(step: Step, scale: _Scale) -> tuple[Bar, ...]:
    if step.start is None:
        return ()
    if step.attempts:
        return tuple(_tried(step, scale))[-MAX_BARS:]
    end = step.end or (scale.now if step.is_open else step.start)
    look = {"sleep": "sleep", "waitForEvent": "wait"}.get(step.kind, str(step.state))
    if step.state in (State.FAILED, State.STOPPED):
        look = str(step.state)
    return (scale.bar(look, step.start, max(end, step.start), step.state.label),)


def _tried(step: Step, scale: _Scale) -> Iterator[Bar]:
    """A bar for each attempt, and one for the pause after each that failed."""
    before: datetime | None = None
    for one in step.attempts:
        if one.start is None:
            continue
        if before:
            yield scale.bar("pause", before, one.start, "Waits to try again")
        end = one.end or scale.now
        words = f"Attempt {one.number}: {one.state.label}"
        yield scale.bar(str(one.state), one.start, end, f"{words} · {one.error}".rstrip(" ·"))
        before = one.end
    if before and step.state is State.RETRYING:
        yield scale.bar("pause", before, max(scale.now, before), "Waits to try again")
