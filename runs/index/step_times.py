"""The times of a run's steps and attempts, as they are kept for the export of traces.

They are bounded, and texts are masked. There are no payloads and no outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.utils import timezone

from runs.models import Run, RunTrace
from runs.steps.parsing import StepRow
from runs.steps.step_reader import Attempt, Step, read_steps
from toolchain.redaction import redact

MAX_PERIODS: Final = 2_000  # of one run: its steps, and the attempts of those that were retried
MAX_ATTEMPTS: Final = 50  # of one step, the latest
LONGEST_ERROR: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTimes:
    """An attempt; the times are microseconds since the epoch."""

    number: int
    start: int | None
    end: int | None
    has_failed: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimes:
    """A step with its latest attempts; `attempt_count` counts all of them."""

    name: str
    node_id: str
    kind: str
    start: int | None
    end: int | None
    has_failed: bool
    error: str
    attempt_count: int
    attempts: tuple[AttemptTimes, ...]

    @property
    def periods(self) -> int:
        """How many spans the step has: one, and one for each attempt if it was retried."""
        return 1 + (len(self.attempts) if self.attempt_count > 1 else 0)

    @classmethod
    def read(cls, data: Raw) -> StepTimes:
        attempts = tuple(AttemptTimes(**attempt) for attempt in data["attempts"])
        return cls(**{**data, "attempts": attempts})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """How a run ended; `omitted` counts the steps that are left out because there are too many."""

    status: str
    created: int
    start: int | None
    end: int | None
    error: str
    steps: tuple[StepTimes, ...]
    omitted: int

    @classmethod
    def read(cls, data: Raw) -> RunTimes:
        return cls(**{**data, "steps": tuple(map(StepTimes.read, data["steps"]))})


def keep(run: Run, data: Raw, rows: Sequence[StepRow], *, secrets: Iterable[str]) -> None:
    """Keep the times of a run that has ended, once for each time that it ends."""
    if RunTrace.objects.filter(run=run, ended_at=run.ended_at).exists():
        return
    defaults = {
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "data": asdict(run_times(run, data, rows, secrets=secrets)),
        "created_at": timezone.now(),
        "exported_at": None,
    }
    RunTrace.objects.update_or_create(run=run, defaults=defaults)


def run_times(
    run: Run, data: Raw, rows: Sequence[StepRow], *, secrets: Iterable[str] = ()
) -> RunTimes:
    """Return the times of a run; `rows` are its named steps, as the index stores them."""
    named = [step for step in read_steps(data, is_over=True) if "name" in step.raw]
    steps = tuple(_within_limit(_steps(named, rows, frozenset(secrets))))
    return RunTimes(
        status=run.status,
        created=_microseconds(run.created_at) or 0,
        start=_microseconds(run.started_at),
        end=_microseconds(run.ended_at),
        error=run.error,
        steps=steps,
        omitted=len(rows) - len(steps),
    )


def _within_limit(steps: Iterable[StepTimes]) -> Iterator[StepTimes]:
    periods = 0
    for step in steps:
        periods += step.periods
        if periods > MAX_PERIODS:
            return
        yield step


def _steps(
    steps: Sequence[Step], rows: Sequence[StepRow], secrets: frozenset[str]
) -> Iterator[StepTimes]:
    for step, row in zip(steps, rows, strict=False):
        latest = step.attempts[-MAX_ATTEMPTS:]
        yield StepTimes(
            name=row.name,
            node_id=row.node_id,
            kind=row.kind,
            start=_microseconds(step.start),
            end=_microseconds(step.end),
            has_failed=row.has_failed,
            error=_error(step.last_error if row.has_failed else "", secrets),
            attempt_count=len(step.attempts),
            attempts=tuple(map(partial(_attempt, secrets=secrets), latest)),
        )


def _attempt(attempt: Attempt, *, secrets: frozenset[str]) -> AttemptTimes:
    return AttemptTimes(
        number=attempt.number,
        start=_microseconds(attempt.start),
        end=_microseconds(attempt.end),
        has_failed=attempt.success is False,
        error=_error(attempt.error, secrets),
    )


def _error(text: str, secrets: frozenset[str]) -> str:
    """Mask before truncating, so that no part of a secret remains."""
    return redact(text, secrets)[:LONGEST_ERROR] if text else ""


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
