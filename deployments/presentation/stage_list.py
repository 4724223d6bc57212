"""The stages of a deployment as a list and as a progress bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Stage, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage on the page; `state` is done, current, failed, stopped or pending."""

    stage: Stage
    state: str
    message: str = ""
    entered_at: datetime | None = None
    seconds: float | None = None

    @property
    def state_label(self) -> str:
        return _LABELS[self.state]

    @property
    def icon(self) -> str:
        return _ICONS[self.state]


_LABELS = {
    "done": "done",
    "current": "in progress",
    "failed": "failed",
    "stopped": "stopped here",
    "pending": "not reached",
}
_ICONS = {
    "done": "check",
    "current": "ring",
    "failed": "cross",
    "stopped": "bar",
    "pending": "dot",
}
_FAILED = (Status.FAILED, Status.PARTIAL)


def steps(deployment: Deployment, records: Iterable[StageRecord], *, now: datetime) -> list[Step]:
    """Return every stage of the deployment's action.

    A stage lasts until the next record, the current one until `now`.
    """
    rows = list(records)
    ends = [*(record.entered_at for record in rows[1:]), deployment.finished_at or now]
    entered = {
        record.stage: (record.entered_at, (end - record.entered_at).total_seconds())
        for record, end in zip(rows, ends, strict=False)
    }
    return [_step(stage, deployment, entered.get(stage.value)) for stage in deployment.work.path]


def _step(stage: Stage, deployment: Deployment, entered: tuple[datetime, float] | None) -> Step:
    state = step_state(stage, deployment)
    if deployment.stages_removed_after is not None:
        return Step(stage=stage, state=state)
    if entered is None or state == "pending":  # started after the query; its event will follow
        return Step(stage=stage, state="pending")
    entered_at, seconds = entered
    return Step(
        stage=stage,
        state=state,
        message=deployment.work.message(stage),
        entered_at=entered_at,
        seconds=None if stage is Stage.COMPLETED else seconds,
    )


def step_state(stage: Stage, deployment: Deployment) -> str:
    """Return "pending", "current", "done", "failed" or "stopped"."""
    if not deployment.stage:
        return "pending"
    status, path = deployment.state, deployment.work.path
    difference = path.index(stage) - path.index(Stage(deployment.stage))
    if difference > 0:
        return "pending"
    if difference < 0 or status is Status.SUCCEEDED:
        return "done"
    if not status.is_final:
        return "current"
    return "failed" if status in _FAILED else "stopped"


def ticks(deployment: Deployment) -> list[str]:
    """Return the state of each tick of the progress bar, one per stage."""
    return [step_state(stage, deployment) for stage in deployment.work.path]
