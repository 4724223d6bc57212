"""What a target tells of runs, read into values: rows of lists, and one run with its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runs import statuses
from runs.steps import due_at, read_steps

Told = Mapping[str, Any]
LONGEST_TEXT: Final = 10_000
LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run as a list tells it."""

    instance_id: str
    status: str
    trigger: str
    version_id: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return not statuses.is_final(self.status)

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.started_at).total_seconds(), 0)


def read_row(told: Told) -> Row:
    """Read a row of `GET .../instances`."""
    return Row(
        instance_id=str(told["id"]),
        status=str(told["status"]),
        trigger=str(told.get("trigger_source") or "unknown"),
        version_id=str(told.get("version_id") or ""),
        created_at=_moment(told["created_on"]) or datetime.now(UTC),
        started_at=_moment(told.get("started_on")),
        ended_at=_moment(told.get("ended_on")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step without what it gave."""

    name: str
    kind: str
    seconds: float | None
    attempts: int
    has_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A run with its steps; texts are JSON as the target writes them, cut to LONGEST_TEXT.

    `due_at` is when the next of its sleeps ends, a wait times out or a step is tried again.
    """

    status: str
    started_at: datetime | None
    ended_at: datetime | None
    error: str
    params: str
    output: str
    steps: tuple[StepRow, ...]
    waits_for: str
    due_at: datetime | None

    @property
    def retries(self) -> int:
        return sum(max(step.attempts - 1, 0) for step in self.steps)


def read_details(told: Told, *, hide: Callable[[str], str] = str) -> Details:
    """Read `GET .../instances/ID`; `hide` masks what a text may not show, before it is cut."""
    steps = [step for step in told.get("steps") or [] if "name" in step]
    return Details(
        status=str(told["status"]),
        started_at=_moment(told.get("start")),
        ended_at=_moment(told.get("end")),
        error=hide(_error(told.get("error")))[:LONGEST_ERROR],
        params=hide(_text(told.get("params")))[:LONGEST_TEXT],
        output=hide(_text(told.get("output")))[:LONGEST_TEXT],
        steps=tuple(map(_step, steps)),
        waits_for=_waits_for(steps),
        due_at=_due_at(told),
    )


def _step(step: Told) -> StepRow:
    start, end = _moment(step.get("start")), _moment(step.get("end"))
    is_over = step.get("finished", step.get("success") is not None)
    return StepRow(
        name=str(step["name"])[:256],
        kind=str(step.get("type", "step")),
        seconds=(end - start).total_seconds() if start and end and is_over else None,
        attempts=len(step.get("attempts") or []),
        has_failed=step.get("success") is False or bool(step.get("error")),
    )


def _waits_for(steps: list[Told]) -> str:
    """Return the type of the event that the run waits for now; "" where it does not."""
    waits = [step for step in steps if step.get("type") == "waitForEvent"]
    waiting = [step for step in waits if not step.get("finished") and not step.get("error")]
    return str(waiting[-1].get("event_type") or "event")[:100] if waiting else ""


def _due_at(told: Told) -> datetime | None:
    """Return when the first of the steps that go on will go on by itself."""
    return min(filter(None, map(due_at, read_steps(told, is_over=False))), default=None)


def _error(error: Any) -> str:
    if not isinstance(error, Mapping):
        return ""
    return f"{error.get('name', 'Error')}: {error.get('message', '')}"


def _text(value: Any) -> str:
    if value in (None, ""):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(value: Any) -> datetime | None:
    """Read a time of the API, which is ISO 8601; None where there is none."""
    if isinstance(value, datetime):
        return value
    if not value:
        return None
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
