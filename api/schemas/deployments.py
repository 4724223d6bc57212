"""Deployments: requests for them, their results, stages and plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field

from api.conventions.paging import Paging
from api.conventions.schema import ApiSchema, BodySchema
from api.schemas.events import StreamedDeployment
from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Action, Stage, Status
from targets.cloudflare.errors import Cause
from targets.policy import Consent

LISTED: Final = (
    *("workflow_public_id", "workflow_name", "version_number", "target_id", "target_name"),
    *("action", "about_id", "status", "stage", "message", "cause", "reason", "version_id"),
    *("worker_name", "worker_url", "dashboard_url", "requested_by_name", "cancelled_by"),
    *("created_at", "started_at", "finished_at"),
)
"""The fields of a list: the others can be large."""
_SAME: Final = (
    *("workflow_name", "version_number", "action", "status", "stage", "message", "cause"),
    *("reason", "version_id", "worker_name", "created_at", "started_at", "finished_at"),
)


class DeployRequest(StreamedDeployment):
    """Where and how to deploy. Without `wait`, the response does not wait for the end."""

    overwrite: bool = False
    wait: bool = True


class ConsentBody(BodySchema):
    """What the rules of the target ask for, and the reason, which is stored."""

    reason: str = Field("", max_length=2000)
    confirm: str = Field("", max_length=1000)
    override_freeze: str = Field("", max_length=2000)
    overwrite: bool = False


class TargetedBody(ConsentBody):
    """The target by its id or name; without them, the default one."""

    connection_id: str | None = None
    target: str | None = None


class PlanRequest(BodySchema):
    """The target by its id or name; without them, the default one."""

    connection_id: str | None = None
    target: str | None = None
    overwrite: bool = False


class DeployResult(ApiSchema):
    """How a deployment ended. If it has not ended yet, `success` is false and `error` says so."""

    success: bool
    deployment_id: str
    status: Status
    url: str
    dashboard_url: str
    error: str = ""


class DeploymentOut(ApiSchema):
    """A deployment in a list. `aboutId` is the one that it rolls back to, retries or redeploys."""

    id: str
    workflow_id: str
    workflow_name: str
    version_number: int
    connection_id: str | None
    connection_name: str
    action: Action
    about_id: str | None
    status: Status
    stage: str
    progress: int
    message: str
    cause: Cause | str
    reason: str
    requested_by: str
    cancelled_by: str
    version_id: str
    worker_name: str
    url: str
    dashboard_url: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class StageOut(ApiSchema):
    """A stage that a deployment entered; `id` is the number of the event."""

    id: int
    stage: Stage
    message: str
    progress: int
    entered_at: datetime


class FindingOut(ApiSchema):
    """A problem or a warning; `line` counts from 1, 0 is unknown."""

    message: str
    node_id: str = ""
    node_name: str = ""
    path: str = ""
    line: int = 0
    fix: str = ""
    cause: str = ""
    is_warning: bool = False
    kind: str = ""


class DeploymentDetail(DeploymentOut):
    """A deployment with its stages and everything that was found."""

    stages: list[StageOut]
    problems: list[FindingOut]
    warnings: list[FindingOut]
    parts: list[dict[str, Any]]
    variables: dict[str, Any]
    secret_names: list[str]
    can_retry: bool
    can_roll_back: bool


class OutputOut(ApiSchema):
    """The output of a program that a deployment ran; `exitCode` is null if it was stopped."""

    id: str
    program: str
    exit_code: int | None
    seconds: float
    text: str
    ended_at: datetime


class ChangeOut(ApiSchema):
    """A change of the Worker; `how` is added, removed, changed or kept."""

    what: str
    name: str
    how: str
    before: str
    after: str


class PlanOut(ApiSchema):
    """What a deploy would change on its target."""

    can_deploy: bool
    is_new: bool
    live_version: str
    changes: list[ChangeOut]
    uncompared_secrets: list[str]
    findings: list[FindingOut]
    runs_in_progress: dict[str, int]


class DeploymentQuery(Paging):
    """Which deployments."""

    connection_id: str = Field("", max_length=20)
    status: Status | None = None


class EventQuery(ApiSchema):
    """The events after this one."""

    after: int = Field(0, ge=0, le=100)


def deployment_of(row: Deployment) -> dict[str, Any]:
    """Return a deployment of a list."""
    return {
        "id": str(row.pk),
        "workflow_id": row.workflow_public_id,
        "connection_id": str(row.target_id) if row.target_id else None,
        "connection_name": row.target_name,
        "about_id": str(row.about_id) if row.about_id else None,
        "progress": row.percent,
        "requested_by": row.requested_by_name,
        "cancelled_by": row.cancelled_by,
        "url": _url(row),
        "dashboard_url": row.dashboard_url,
        **{name: getattr(row, name) for name in _SAME},
    }


def full_deployment(row: Deployment) -> dict[str, Any]:
    """Return a deployment with its stages and findings."""
    return {
        **deployment_of(row),
        "stages": [stage_of(record) for record in row.records.order_by("number")],
        "problems": row.problems,
        "warnings": row.warnings,
        "parts": row.parts,
        "variables": row.variables,
        "secret_names": row.secret_names,
        "can_retry": row.can_retry,
        "can_roll_back": row.can_be_rolled_back_to,
    }


def stage_of(record: StageRecord) -> dict[str, Any]:
    """Return a stage as an event."""
    return {**record.as_event(), "id": record.number, "entered_at": record.entered_at}


def result_of(row: Deployment) -> dict[str, Any]:
    """Return the result of a deployment in AwaitStep's shape."""
    is_success = row.state is Status.SUCCEEDED
    error = "" if is_success else row.message or _unfinished(row)
    return {
        "success": is_success,
        "deployment_id": str(row.pk),
        "status": row.status,
        "url": _url(row),
        "dashboard_url": row.dashboard_url,
        "error": error,
    }


def consent_of(body: ConsentBody) -> Consent:
    """Return what the caller has confirmed."""
    return Consent(name=body.confirm, freeze_reason=body.override_freeze, overwrite=body.overwrite)


def _unfinished(row: Deployment) -> str:
    if row.is_final:
        return f"The deployment has ended: {row.state.label.lower()}."
    return f"The deployment is {row.status}. GET /api/deployments/{row.pk} has its result."


def _url(row: Deployment) -> str:
    return "" if row.work is Action.TAKEDOWN else row.worker_url
