"""The timeline of a run: its steps and attempts as bars, in percent of the time shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runs.steps.step_reader import Step
from web.formatting import duration
from workflows.picture.states import State

PER_PAGE: Final = 300
MAX_BARS: Final = 60
NO_KINDS: Final[Mapping[int, str]] = {}
_MIN_WIDTH: Final = 0.4  # percent; narrower bars would be invisible
_ROOM_AHEAD: Final = 0.15  # of the time so far, for open steps
_IN_MILLISECONDS: Final = 4.0  # seconds below which the marks are in milliseconds
_PAUSE: Final = "Waiting to retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A period; `kind` is a state, "pause" between attempts, "sleep" or "wait".

    An open one extends to now, and grows.
    """

    kind: str
    left: float
    width: float
    title: str
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A step with the bars of its attempts and pauses; `kind` is the type of its node."""

    step: Step
    bars: tuple[Bar, ...]
    kind: str
    elapsed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A page of rows; `marks` label each quarter of the width, `now` are the seconds until now."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    total: int
    marks: tuple[str, ...]
    seconds: float
    now: float

    @property
    def is_growing(self) -> bool:
        return any(bar.is_open for row in self.rows for bar in row.bars)


def page_of(number: int) -> int:
    """Return the page that shows the step with this number."""
    return (max(number, 1) - 1) // PER_PAGE + 1


def timeline(
    steps: Sequence[Step], *, page: int, now: datetime, kinds: Mapping[int, str] = NO_KINDS
) -> Timeline:
    """Lay out a page of the steps over the time that they cover.

    `kinds` are the types of the steps' nodes, by the number of the step.
    """
    pages = max(page_of(len(steps)), 1)
    page = min(max(page, 1), pages)
    shown = steps[(page - 1) * PER_PAGE : page * PER_PAGE]
    scale = _Scale.of(shown, now)
    return Timeline(
        rows=tuple(_row(step, scale, kinds.get(step.number, step.kind_label)) for step in shown),
        page=page,
        pages=pages,
        total=len(steps),
        marks=tuple(_marks(scale.seconds)),
        seconds=scale.seconds,
        now=max((now - scale.start).total_seconds(), 0),
    )


def _marks(seconds: float) -> Iterator[str]:
    """Yield a label for each quarter of the time, "" if it would repeat the one before."""
    before = ""
    for quarter in range(5):
        time = seconds * quarter / 4
        mark = f"{round(time * 1000):,} ms" if seconds < _IN_MILLISECONDS else duration(time)
        yield mark if mark != before else ""
        before = mark


def _row(step: Step, scale: _Scale, kind: str) -> Row:
    is_counting = step.is_open and step.start is not None and not step.attempts
    elapsed = (scale.now - step.start).total_seconds() if is_counting and step.start else None
    return Row(step=step, bars=_bars(step, scale), kind=kind, elapsed=elapsed)


@dataclass(frozen=True, slots=True)
class _Scale:
    """The time that a page covers; open steps leave some room ahead, whatever their end."""

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
        ahead = 1 + _ROOM_AHEAD if any(step.is_open for step in steps) else 1
        return cls(first, max(seconds * ahead, 0.001), now)

    def bar(self, kind: str, start: datetime, end: datetime | None, title: str) -> Bar:
        """Return the bar of a period; one without an end is open."""
        is_open, end = end is None, end or max(self.now, start)
        left = self._percent(start)
        width = max(self._percent(end) - left, _MIN_WIDTH)
        left = min(left, 100 - width)
        return Bar(
            kind=kind, left=round(left, 3), width=round(width, 3), title=title, is_open=is_open
        )

    def _percent(self, moment: datetime) -> float:
        share = (moment - self.start).total_seconds() / self.seconds
        return min(max(share, 0), 1) * 100


def _ends(steps: Iterable[Step], now: datetime) -> Iterator[datetime]:
    for step in steps:
        if step.is_open:
            yield now
        elif step.end or step.start:
            ends = [step.end or step.start, *(attempt.end for attempt in step.attempts)]
            yield max(end for end in ends if end)


def _bars(step: Step, scale: _Scale) -> tuple[Bar, ...]:
    if step.start is None:
        return ()
    if step.attempts:
        return tuple(_attempt_bars(step, scale))[-MAX_BARS:]
    end = None if step.is_open else max(step.end or step.start, step.start)
    kind = {"sleep": "sleep", "waitForEvent": "wait"}.get(step.kind, str(step.state))
    if step.state in (State.FAILED, State.STOPPED):
        kind = str(step.state)
    return (scale.bar(kind, step.start, end, step.state.label),)


def _attempt_bars(step: Step, scale: _Scale) -> Iterator[Bar]:
    """Yield a bar for each attempt, and for the pause after each failed attempt."""
    previous_end: datetime | None = None
    for attempt in step.attempts:
        if attempt.start is None:
            continue
        if previous_end:
            yield scale.bar("pause", previous_end, attempt.start, _PAUSE)
        end = attempt.end or (None if step.is_open else scale.now)
        title = f"Attempt {attempt.number}: {attempt.state.label} · {attempt.error}".rstrip(" ·")
        yield scale.bar(str(attempt.state), attempt.start, end, title)
        previous_end = attempt.end
    if previous_end and step.state is State.RETRYING:
        yield scale.bar("pause", previous_end, None, _PAUSE)
