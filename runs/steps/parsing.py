"""What a target tells of runs, read into values: rows of lists, and one run with its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from runs import statuses
from runs.steps.step_reader import Step, due_at, error_words, read_steps
from workflows.picture.states import State
from workflows.picture.timestamps import parse_timestamp

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
        created_at=parse_timestamp(told["created_on"]) or datetime.now(UTC),
        started_at=parse_timestamp(told.get("started_on")),
        ended_at=parse_timestamp(told.get("ended_on")),
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
    every = read_steps(told, is_over=False)
    steps = [step for step in every if "name" in step.raw]
    waits = [step.event_type or "event" for step in steps if step.state is State.WAITING]
    return Details(
        status=str(told["status"]),
        started_at=parse_timestamp(told.get("start")),
        ended_at=parse_timestamp(told.get("end")),
        error=hide(error_words(told.get("error")))[:LONGEST_ERROR],
        params=hide(_text(told.get("params")))[:LONGEST_TEXT],
        output=hide(_text(told.get("output")))[:LONGEST_TEXT],
        steps=tuple(map(_step, steps)),
        waits_for=waits[-1][:100] if waits else "",
        due_at=min(filter(None, map(due_at, every)), default=None),
    )


def _step(step: Step) -> StepRow:
    return StepRow(
        name=step.name[:256],
        kind=step.kind,
        seconds=step.seconds,
        attempts=len(step.attempts),
        has_failed=step.state is State.FAILED,
    )


def _text(value: Any) -> str:
    if value in (None, ""):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
