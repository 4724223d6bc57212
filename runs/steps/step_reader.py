"""The steps of a run, as Cloudflare's API returns them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from toolchain import half_characters
from toolchain.redaction import TRUNCATED
from workflows.ir.document.approvals import is_approval
from workflows.ir.reading.durations import milliseconds
from workflows.picture.states import State
from workflows.picture.timestamps import parse_timestamp

Raw = Mapping[str, Any]
HIDDEN: Final = "[REDACTED]"
"""What Cloudflare shows instead of the output of a sensitive step."""
_COUNTER: Final = re.compile(r"-([0-9]+)$")
_OCCURRENCE: Final = re.compile(r"(.+) #([1-9][0-9]{0,8})", re.DOTALL)
_MAX_DELAY: Final = 366 * 86_400.0  # seconds
ROLLBACK: Final = "rollback"
_KINDS: Final = {
    "step": "Step",
    "sleep": "Sleep",
    "waitForEvent": "Wait for event",
    ROLLBACK: "Rollback",
    "termination": "Termination",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a step; `success` is None while it is running."""

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
    """A step of a run; `end` of an open sleep or wait is when it will end."""

    number: int
    name: str
    kind: str
    state: State
    start: datetime | None
    end: datetime | None
    attempts: tuple[Attempt, ...]
    error: str
    event_type: str
    raw: Raw

    @property
    def label(self) -> str:
        """The name in the workflow, with a counter if it is not the first occurrence."""
        return f"Rollback of {self._label}" if self.kind == ROLLBACK else self._label

    @property
    def undone_label(self) -> str:
        """The name of the step that a rollback undoes."""
        return self._label

    @property
    def _label(self) -> str:
        found = _COUNTER.search(self.name)
        if not found:
            return self.name
        plain = self.name[: found.start()]
        return plain if found[1] == "1" else f"{plain} #{found[1]}"

    @property
    def shown_event_type(self) -> str:
        """The type of the awaited event; "" for that of an approval, which is a random id."""
        return "" if is_approval(self.event_type) else self.event_type

    @property
    def output(self) -> Any:
        """What the step has returned; None if nothing is known, or if it is truncated."""
        text = self.raw.get("output")
        if not isinstance(text, str):
            return text
        try:
            return half_characters.loads(text)
        except (ValueError, RecursionError):
            return None

    @property
    def is_hidden(self) -> bool:
        """Whether the target hides the output, because the step is sensitive."""
        return self.raw.get("output") in (HIDDEN, f'"{HIDDEN}"')

    @property
    def restart_name(self) -> str:
        """The name for a restart at this step (see `parse_occurrence`); "" if that is impossible."""
        found = _COUNTER.search(self.name)
        if not found or self.kind not in ("step", "sleep", "waitForEvent"):
            return ""
        plain = self.name[: found.start()]
        return (
            plain if parse_occurrence(plain) == (plain, int(found[1])) else f"{plain} #{found[1]}"
        )

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
        errors = (attempt.error for attempt in reversed(self.attempts) if attempt.error)
        return self.error or next(errors, "")


def is_truncated(output: Any) -> bool:
    """Return whether an output is only the beginning of what the step returned."""
    return isinstance(output, str) and output.endswith(TRUNCATED)


def parse_occurrence(text: str) -> tuple[str, int]:
    """Split a step's name and its occurrence: "charge #2" is the second "charge"."""
    found = _OCCURRENCE.fullmatch(text)
    return (found[1], int(found[2])) if found else (text, 1)


def read_steps(raw: Raw, *, is_over: bool) -> tuple[Step, ...]:
    """Read the steps of `GET .../instances/ID`; malformed steps are left out."""
    steps = enumerate(_objects(raw.get("steps")), 1)
    return tuple(_step(step, number, is_over=is_over) for number, step in steps)


def _objects(value: Any) -> list[Raw]:
    """Return the objects in a list; none if the value is not a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _step(raw: Raw, number: int, *, is_over: bool) -> Step:
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
        error=error_text(raw.get("error")),
        event_type=str(raw.get("event_type") or ""),
        raw=raw,
    )


def _attempts(value: Any) -> Iterator[Attempt]:
    for number, raw in enumerate(_objects(value), 1):
        yield Attempt(
            number=number,
            start=parse_timestamp(raw.get("start")),
            end=parse_timestamp(raw.get("end")),
            success=raw.get("success"),
            error=error_text(raw.get("error")),
        )


def _state(raw: Raw, kind: str, attempts: Sequence[Attempt]) -> State:
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
    if kind not in ("step", ROLLBACK):
        return State.DONE
    return State.RETRYING if attempts and attempts[-1].success is False else State.RUNNING


def error_text(error: Any) -> str:
    """Return an error as text: "Error: the bank is busy"; "" for none."""
    if isinstance(error, Mapping):
        name, message = str(error.get("name") or "Error"), str(error.get("message") or "")
        return f"{name}: {message}" if message else name
    return str(error) if error else ""


def due_at(step: Step) -> datetime | None:
    """Return when an open step wakes, times out or is retried, if known."""
    if not step.is_open:
        return None
    return retry_at(step) if step.state is State.RETRYING else step.end


def retry_at(step: Step) -> datetime | None:
    """Return when the next attempt is due, if the step's settings say so."""
    last = step.attempts[-1] if step.attempts else None
    if step.state is not State.RETRYING or last is None or last.end is None:
        return None
    delay = retry_delay(step.raw.get("config"), attempts=len(step.attempts))
    return None if delay is None else last.end + delay


def retry_delay(config: Any, *, attempts: int) -> timedelta | None:
    """Return the delay before the next attempt; None if the step's settings do not say."""
    retries = (config or {}).get("retries") or {}
    delay = seconds_of(retries.get("delay"))
    if delay is None:
        return None
    factors = {"exponential": 2.0 ** min(attempts - 1, 40), "linear": float(attempts)}
    seconds = delay * factors.get(str(retries.get("backoff")), 1.0)
    return timedelta(seconds=min(seconds, _MAX_DELAY))


def seconds_of(duration: Any) -> float | None:
    """Read milliseconds, or words like "5 seconds"; None for anything else."""
    if not isinstance(duration, int | float):
        duration = milliseconds(str(duration or "").strip().lower())
    return None if duration is None else duration / 1000


def unexpected_event_note(steps: Sequence[Step], event_type: str) -> str:
    """Return a note if no step has waited for the event yet, otherwise ""."""
    if any(step.event_type == event_type for step in steps):
        return ""
    waits = dict.fromkeys(step.event_type for step in steps if step.state is State.WAITING)
    now = (
        f"is now waiting for {' and '.join(waits)}"
        if waits
        else "is not currently waiting for an event"
    )
    return (
        f"No step has waited for {event_type} yet. The event is kept until one does. The run {now}."
    )
