"""The steps of a run as its target tells them, read into values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runs.steps.durations import seconds_of
from workflows.picture.states import State
from workflows.picture.timestamps import parse_timestamp

Told = Mapping[str, Any]
_COUNTER: Final = re.compile(r"-(\d+)$")
_OCCURRENCE: Final = re.compile(r"(.+) #([1-9]\d{0,8})", re.DOTALL)
_LONGEST_PAUSE: Final = 366 * 86_400.0  # seconds
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
        """The name by which a restart may begin here, as `occurrence` reads it; "" where none can."""
        found = _COUNTER.search(self.name)
        if not found or self.kind not in ("step", "sleep", "waitForEvent"):
            return ""
        plain = self.name[: found.start()]
        return plain if occurrence(plain) == (plain, int(found[1])) else f"{plain} #{found[1]}"

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


def occurrence(text: str) -> tuple[str, int]:
    """Read a step's name and which of its occurrences is meant: "charge #2" is the second."""
    found = _OCCURRENCE.fullmatch(text)
    return (found[1], int(found[2])) if found else (text, 1)


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
        start=parse_timestamp(raw.get("start")),
        end=parse_timestamp(raw.get("end")),
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
                start=parse_timestamp(one.get("start")),
                end=parse_timestamp(one.get("end")),
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


def retry_at(step: Step) -> datetime | None:
    """Return when the next attempt is due, as far as the step's settings tell."""
    last = step.attempts[-1] if step.attempts else None
    if step.state is not State.RETRYING or last is None or last.end is None:
        return None
    pause = pause_after(step.raw.get("config"), tries=len(step.attempts))
    return None if pause is None else last.end + pause


def pause_after(config: Any, *, tries: int) -> timedelta | None:
    """Return how long a step with these settings rests after so many tries; None if they do not tell."""
    retries = (config or {}).get("retries") or {}
    delay = seconds_of(retries.get("delay"))
    if delay is None:
        return None
    times = {"exponential": 2.0 ** min(tries - 1, 40), "linear": float(tries)}
    seconds = delay * times.get(str(retries.get("backoff")), 1.0)
    return timedelta(seconds=min(seconds, _LONGEST_PAUSE))


def unasked(steps: Sequence[Step], event_type: str) -> str:
    """Say that no step has asked for the event yet, and what is waited for; "" where one has."""
    if any(step.event_type == event_type for step in steps):
        return ""
    waits = dict.fromkeys(step.event_type for step in steps if step.state is State.WAITING)
    now = f"waits for {' and '.join(waits)} now" if waits else "waits for no event now"
    return f"No step has asked for {event_type} yet: it is kept until one does. The run {now}."


def due_at(step: Step) -> datetime | None:
    """Return when a step that goes on wakes, times out or is tried again, as far as it tells."""
    if not step.is_open:
        return None
    return retry_at(step) if step.state is State.RETRYING else step.end
