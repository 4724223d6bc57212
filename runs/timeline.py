"""A run's steps as the rows of a timeline: what was tried when, in percent of the time shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from workflows.picture.states import State

Told = Mapping[str, Any]
PER_PAGE: Final = 300
MOST_BARS: Final = 60
_NARROWEST: Final = 0.4  # percent: what is shorter would not be seen
_AHEAD: Final = 0.15  # of the time so far, where a step goes on
_COUNTER: Final = re.compile(r"-(\d+)$")
_KINDS: Final = {
    "step": "Step",
    "sleep": "Sleep",
    "waitForEvent": "Wait for event",
    "rollback": "Rollback",
    "termination": "Termination",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a step; `success` is None while it goes on."""

    number: int
    start: datetime | None
    end: datetime | None
    success: bool | None
    error: str

    @property
    def seconds(self) -> float | None:
        return (self.end - self.start).total_seconds() if self.start and self.end else None

    @property
    def state(self) -> State:
        if self.success is None:
            return State.RUNNING
        return State.DONE if self.success else State.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as the target tells it. Of a sleep and a wait that go on, `end` is when they will end."""

    number: int
    name: str
    kind: str
    state: State
    start: datetime | None
    end: datetime | None
    attempts: tuple[Attempt, ...]
    error: str
    event_type: str
    raw: Told

    @property
    def label(self) -> str:
        """The name without the counter that the platform adds, which only says something from 2 on."""
        found = _COUNTER.search(self.name)
        if not found:
            return self.name
        plain = self.name[: found.start()]
        return plain if found[1] == "1" else f"{plain} #{found[1]}"

    @property
    def restart_name(self) -> str:
        """The name by which a restart may begin here; "" where the target could not tell it apart."""
        found = _COUNTER.search(self.name)
        is_first = bool(found and found[1] == "1") and self.kind in (
            "step",
            "sleep",
            "waitForEvent",
        )
        return _COUNTER.sub("", self.name) if is_first else ""

    @property
    def kind_label(self) -> str:
        return _KINDS.get(self.kind, self.kind)

    @property
    def is_open(self) -> bool:
        return self.state.is_active

    @property
    def seconds(self) -> float | None:
        if self.is_open or self.start is None or self.end is None:
            return None
        return (self.end - self.start).total_seconds()

    @property
    def last_error(self) -> str:
        tried = (one.error for one in reversed(self.attempts) if one.error)
        return self.error or next(tried, "")


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


def read_steps(told: Told, *, is_over: bool) -> tuple[Step, ...]:
    """Read the steps of `GET .../instances/ID`; what cannot be read is left out."""
    given = told.get("steps")
    listed = given if isinstance(given, list) else []
    known = [one for one in listed if isinstance(one, Mapping)]
    return tuple(_step(one, number, is_over=is_over) for number, one in enumerate(known, 1))


def _step(raw: Told, number: int, *, is_over: bool) -> Step:
    kind = str(raw.get("type") or "step")
    attempts = tuple(_attempts(raw.get("attempts")))
    state = _state(raw, kind, attempts)
    if is_over and state.is_active:
        state = State.STOPPED
    return Step(
        number=number,
        name=str(raw.get("name") or _KINDS.get(kind, kind)),
        kind=kind,
        state=state,
        start=_moment(raw.get("start")),
        end=_moment(raw.get("end")),
        attempts=attempts,
        error=error_words(raw.get("error")),
        event_type=str(raw.get("event_type") or ""),
        raw=raw,
    )


def _attempts(given: Any) -> Iterator[Attempt]:
    listed = given if isinstance(given, list) else []
    for number, one in enumerate(listed, 1):
        if isinstance(one, Mapping):
            yield Attempt(
                number=number,
                start=_moment(one.get("start")),
                end=_moment(one.get("end")),
                success=one.get("success"),
                error=error_words(one.get("error")),
            )


def _state(raw: Told, kind: str, attempts: Sequence[Attempt]) -> State:
    if kind in ("sleep", "waitForEvent"):
        if raw.get("error"):
            return State.FAILED
        if raw.get("finished"):
            return State.DONE
        return State.SLEEPING if kind == "sleep" else State.WAITING
    if raw.get("error") and raw.get("success") is None and not attempts:
        return State.FAILED
    if raw.get("success") is not None:
        return State.DONE if raw["success"] else State.FAILED
    if kind not in ("step", "rollback"):
        return State.DONE
    return State.RETRYING if attempts and attempts[-1].success is False else State.RUNNING


def error_words(error: Any) -> str:
    """Say an error as the target tells it: "Error: the bank is busy"; "" for none."""
    if isinstance(error, Mapping):
        name, message = str(error.get("name") or "Error"), str(error.get("message") or "")
        return f"{name}: {message}" if message else name
    return str(error) if error else ""


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
        return tuple(_tried(step, scale))[-MOST_BARS:]
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


def retry_at(step: Step) -> datetime | None:
    """Return when the next attempt is due, as far as the step's settings tell."""
    last = step.attempts[-1] if step.attempts else None
    if step.state is not State.RETRYING or last is None or last.end is None:
        return None
    retries = (step.raw.get("config") or {}).get("retries") or {}
    delay = _seconds(retries.get("delay"))
    if delay is None:
        return None
    turn = len(step.attempts)
    times = {"exponential": 2.0 ** min(turn - 1, 40), "linear": float(turn)}
    pause = min(delay * times.get(str(retries.get("backoff")), 1.0), 366 * 86_400)
    return last.end + timedelta(seconds=pause)


_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def _seconds(delay: Any) -> float | None:
    """Read milliseconds, or words such as "3 seconds"."""
    if isinstance(delay, int | float):
        return delay / 1000
    number, _, unit = str(delay or "").partition(" ")
    factor = _UNITS.get(unit.strip().rstrip("s"))
    try:
        return float(number) * factor if factor else None
    except ValueError:
        return None


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment
