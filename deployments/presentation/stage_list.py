"""The stages of a deployment as a list and as the ticks of a bar: what is done, now, or not reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deployments.pipeline.stages import Stage, Status
from deployments.presentation.labels import Attempt


class Record(Protocol):
    """A stage record, as far as it is shown."""

    number: int
    stage: str
    message: str
    entered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage on the page; `state` is done, current, failed, stopped or pending."""

    stage: Stage
    state: str
    doing: str = ""
    entered_at: datetime | None = None
    seconds: float | None = None

    @property
    def words(self) -> str:
        return _STEP_WORDS[self.state]

    @property
    def icon(self) -> str:
        return _STEP_ICONS[self.state]


_STEP_WORDS = {
    "done": "done",
    "current": "now",
    "failed": "failed",
    "stopped": "stopped here",
    "pending": "not reached",
}
_STEP_ICONS = {
    "done": "check",
    "current": "ring",
    "failed": "cross",
    "stopped": "bar",
    "pending": "dot",
}
_UNHAPPY = {Status.FAILED: "failed", Status.PARTIAL: "failed"}


def steps(attempt: Attempt, records: Iterable[Record], *, now: datetime) -> list[Step]:
    """Return all stages of the action, of which a deploy has ten.

    A stage lasts until the next record, the current one until `now`.
    """
    known = list(records)
    ends = [*(record.entered_at for record in known[1:]), attempt.finished_at or now]
    entered = {
        record.stage: (record.entered_at, (end - record.entered_at).total_seconds())
        for record, end in zip(known, ends, strict=False)
    }
    return [_step(stage, attempt, entered.get(stage.value)) for stage in attempt.work.path]


def _step(stage: Stage, attempt: Attempt, entered: tuple[datetime, float] | None) -> Step:
    state = step_state(stage, attempt)
    if entered is None or state == "pending":  # begun after the records were read: its event comes
        return Step(stage=stage, state="pending")
    entered_at, seconds = entered
    ends = stage is Stage.COMPLETED
    return Step(
        stage=stage,
        state=state,
        doing=attempt.work.message(stage),
        entered_at=entered_at,
        seconds=None if ends else seconds,
    )


def step_state(stage: Stage, attempt: Attempt) -> str:
    if not attempt.stage:
        return "pending"
    status, reached = Status(attempt.status), Stage(attempt.stage)
    path = attempt.work.path
    difference = path.index(stage) - path.index(reached)
    if difference > 0:
        return "pending"
    if difference < 0 or status is Status.SUCCEEDED:
        return "done"
    return _UNHAPPY.get(status, "stopped") if status.is_final else "current"


def ticks(attempt: Attempt) -> list[str]:
    """The states of the ticks of a progress bar: one for each stage."""
    return [step_state(stage, attempt) for stage in attempt.work.path]
