"""Runs: their lists, their steps, and what starts and controls them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.conventions.paging import Paging
from api.conventions.schema import ApiSchema, BodySchema
from runs import statuses
from runs.detail.fetch import FetchedRun
from runs.detail.json_tree import read_json
from runs.index.listing import MAX_FILTER, Filters
from runs.models import BulkChange, Run
from runs.steps.step_reader import Step, read_steps

Action = Literal["pause", "resume", "restart", "terminate", "delete"]


class RunQuery(Paging):
    """Which runs. `q` is searched in payloads, outputs and errors; `status` can list several, with commas.

    `name` is one of several Workflows of a project. `took` is a minimum in seconds, `tries` a minimum
    of attempts of the `step`.
    """

    connection_id: str = Field("", max_length=20)
    status: str = Field("", max_length=MAX_FILTER)
    trigger: str = Field("", max_length=MAX_FILTER)
    name: str = Field("", max_length=MAX_FILTER)
    q: str = Field("", max_length=MAX_FILTER)
    id: str = Field("", max_length=MAX_FILTER)
    since: str = Field("", max_length=MAX_FILTER)
    until: str = Field("", max_length=MAX_FILTER)
    step: str = Field("", max_length=MAX_FILTER)
    tries: str = Field("", max_length=MAX_FILTER)
    took: str = Field("", max_length=MAX_FILTER)
    error: str = Field("", max_length=MAX_FILTER)


class AllRunsQuery(RunQuery):
    """Which runs of which workflow."""

    workflow_id: str = Field("", max_length=20)


class RunOut(ApiSchema):
    """A run as it was last seen on its target. `error` is the start of its error."""

    id: str
    instance_id: str
    workflow_id: str | None
    workflow_name: str
    connection_id: str
    connection_name: str
    status: str
    trigger: str
    version_id: str
    deployment_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    gone_at: datetime | None
    seconds: float | None
    error: str | None
    step_count: int | None
    retries: int | None
    waits_for: str


class AttemptOut(ApiSchema):
    """An attempt of a step; `success` is null while it is running."""

    number: int
    start: datetime | None
    end: datetime | None
    success: bool | None
    error: str


class StepOut(ApiSchema):
    """A step of a run. `restartName` is what a restart from it is called with, or ""."""

    number: int
    name: str
    label: str
    kind: str
    state: str
    start: datetime | None
    end: datetime | None
    attempts: list[AttemptOut]
    output: Any
    error: str
    event_type: str
    restart_name: str


class RunDetail(RunOut):
    """A run with its payload, output and steps; `problem` says why they may be outdated."""

    params: Any
    output: Any
    steps: list[StepOut]
    actions: list[str]
    problem: str


class TriggerBody(BodySchema):
    """A run to start. `connectionId` is only needed if the workflow is live on several targets.

    `workflowName` is one of several Workflows of a project. `successRetention` and `errorRetention` are
    durations such as "3 days", `location` is a hint such as "weur".
    """

    connection_id: str | None = None
    params: Any = Field(default_factory=dict)
    instance_id: str = Field("", max_length=100)
    workflow_name: str = Field("", max_length=64)
    success_retention: str = Field("", max_length=100)
    error_retention: str = Field("", max_length=100)
    location: str = Field("", max_length=100)


class StartedOut(ApiSchema):
    """A run that was started, or the one that already had the id."""

    id: str
    instance_id: str
    status: str
    is_new: bool


class BatchItem(BodySchema):
    """A run of a batch."""

    id: str | None = Field(None, max_length=100)
    params: Any = Field(default_factory=dict)


class BatchBody(BodySchema):
    """Runs to start in the background; the other fields are as for one run."""

    runs: list[BatchItem] = Field(min_length=1)
    connection_id: str | None = None
    workflow_name: str = Field("", max_length=64)
    success_retention: str = Field("", max_length=100)
    error_retention: str = Field("", max_length=100)
    location: str = Field("", max_length=100)


class BatchOut(ApiSchema):
    """How far a batch is. `existing` are the runs whose id was already used."""

    id: str
    action: str
    total: int
    done: int
    existing: int
    failed: int
    errors: list[Any]
    created_at: datetime
    ended_at: datetime | None


class ControlBody(BodySchema):
    """Why; for a restart, the step to start from; for a termination, whether to undo the steps first."""

    reason: str = Field("", max_length=2000)
    from_step: str = Field("", max_length=MAX_FILTER)
    rollback: bool = False


class EventBody(BodySchema):
    """An event for a run."""

    type: str = Field(max_length=100)
    payload: Any = Field(default_factory=dict)
    reason: str = Field("", max_length=2000)


class EventSent(ApiSchema):
    """The run after the event; `note` says if none of its steps has waited for it yet."""

    run: RunOut
    note: str


def filters_of(query: RunQuery, *, workflow: str, target: str) -> Filters:
    """Return the filters of a query."""
    names = (
        "status",
        "trigger",
        "name",
        "q",
        "id",
        "since",
        "until",
        "step",
        "tries",
        "took",
        "error",
    )
    values = {name: getattr(query, name) for name in names}
    return Filters.of({**values, "workflow": workflow, "target": target})


def run_of(run: Run) -> dict[str, Any]:
    """Return a run of a list."""
    same = (
        *("instance_id", "workflow_id", "workflow_name", "status", "trigger", "version_id"),
        *("created_at", "started_at", "ended_at", "gone_at", "seconds"),
        *("step_count", "retries", "waits_for"),
    )
    return {
        "id": str(run.pk),
        "connection_id": str(run.target_id),
        "connection_name": run.target.name,
        "deployment_id": str(run.deployment_id) if run.deployment_id else None,
        "error": run.error or None,
        **{name: getattr(run, name) for name in same},
    }


def full_run(run: Run, fetched: FetchedRun, actions: tuple[str, ...]) -> dict[str, Any]:
    """Return a run with what its target says about it, redacted."""
    data = fetched.data or {}
    is_over = statuses.is_final(run.status)
    return {
        **run_of(run),
        "params": read_json(data.get("params")),
        "output": read_json(data.get("output")),
        "steps": [_step_of(step) for step in read_steps(data, is_over=is_over)],
        "actions": list(actions),
        "problem": fetched.problem,
    }


def batch_of(change: BulkChange) -> dict[str, Any]:
    """Return a batch, or a change of many runs."""
    same = ("action", "total", "done", "existing", "failed", "errors", "created_at", "ended_at")
    return {"id": str(change.pk), **{name: getattr(change, name) for name in same}}


def lines_of(body: BatchBody) -> list[str]:
    """Return the runs of a batch as the lines of JSON that pages and commands send."""
    return [
        json.dumps({"params": run.params, **({"id": run.id} if run.id else {})})
        for run in body.runs
    ]


def _step_of(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "label": step.label,
        "kind": step.kind,
        "state": str(step.state.value),
        "start": step.start,
        "end": step.end,
        "attempts": list(step.attempts),
        "output": step.output,
        "error": step.error,
        "event_type": step.shown_event_type,
        "restart_name": step.restart_name,
    }
