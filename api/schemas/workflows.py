"""Workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.conventions.paging import Paging
from api.conventions.schema import ApiSchema, BodySchema
from api.schemas.variables import EnvVarBody, EnvVarOut
from api.schemas.versions import VersionOut, VersionSummary
from deployments.models import Deployment
from workflows.ir.document.kinds import kind_of
from workflows.models import Workflow

Kind = Literal["workflow", "script", "project"]
PROJECT_ID = "default"
"""AwaitStep groups workflows into projects; an installation is one of them."""


class WorkflowSummary(ApiSchema):
    """A workflow in a list. `currentVersion` is the number of its newest version."""

    id: str
    name: str
    description: str
    kind: Kind
    project_id: str
    current_version: int | None
    draft_revision: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WorkflowOut(WorkflowSummary):
    """A workflow with what is beside its document. Without the permission, there are no variables."""

    trigger_code: str
    dependencies: dict[str, str]
    deploy_config: dict[str, Any]
    env_vars: list[EnvVarOut]


class WorkflowQuery(Paging):
    """Which workflows: those whose name, id or description contains `q`."""

    q: str = Field("", max_length=200)
    kind: Kind | None = None
    archived: bool | None = Field(
        default=False, description="Archived workflows only, or none of them."
    )


class NewWorkflow(BodySchema):
    """A new workflow or script: a document with a name of its own, or an empty step."""

    name: str = Field("", max_length=1000)
    ir: dict[str, Any] | None = None
    description: str = Field("", max_length=10_000)
    kind: Literal["workflow", "script"] = "workflow"
    project_id: str | None = None


class WorkflowChanges(BodySchema):
    """What changes; fields that are left out stay. `envVars` are set, and none is deleted.

    `deployConfig` are deploy settings, or AwaitStep's `{route: {pattern, zoneName}}`.
    """

    name: str | None = Field(None, max_length=1000)
    description: str | None = Field(None, max_length=10_000)
    trigger_code: str | None = Field(None, max_length=1_000_000)
    dependencies: dict[str, str] | None = None
    deploy_config: dict[str, Any] | None = None
    env_vars: list[EnvVarBody] | None = Field(None, max_length=200)


class Copy(BodySchema):
    """The name of the copy, and whether it gets the variables too."""

    name: str = Field(max_length=1000)
    copy_variables: bool = False


class Move(BodySchema):
    """AwaitStep moves workflows between projects. There is only one here: `default`."""

    target_project_id: str = Field(max_length=100)


def summary_of(row: Any, *, kind: str = "") -> dict[str, Any]:
    """Return a workflow of a list, which is annotated with its kind and newest version."""
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "kind": kind or kind_of({"kind": row.kind_name}),
        "project_id": PROJECT_ID,
        "current_version": row.current_version,
        "draft_revision": row.draft_revision,
        "archived_at": row.archived_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def full_workflow(workflow: Workflow, variables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a workflow with what is beside its document."""
    return {
        **summary_of(workflow, kind=workflow.kind),
        "trigger_code": workflow.entry_code,
        "dependencies": workflow.dependencies,
        "deploy_config": workflow.deploy_settings,
        "env_vars": variables,
    }


class ActiveDeployment(ApiSchema):
    """What is live of a workflow."""

    id: str
    version: int
    target_id: str | None
    target: str
    finished_at: datetime | None


class FullQuery(ApiSchema):
    """Which version is returned with its content."""

    version: int | None = Field(None, ge=1, le=2**31)


class FullWorkflow(ApiSchema):
    """A workflow with a version, the summaries of all others, and what is live."""

    workflow: WorkflowOut
    current_version: VersionOut | None
    versions: list[VersionSummary]
    active_deployment: ActiveDeployment | None


class NewBinding(BodySchema):
    """A name in the workflow's `env`, and the kind of its resource."""

    name: str = Field(max_length=128)
    kind: str = Field(max_length=20)


def deployment_of(live: Deployment | None) -> dict[str, Any] | None:
    """Return what is live."""
    if live is None:
        return None
    return {
        "id": str(live.pk),
        "version": live.version_number,
        "target_id": str(live.target_id) if live.target_id else None,
        "target": live.target_name,
        "finished_at": live.finished_at,
    }
