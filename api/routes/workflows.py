"""Workflows: the list, creating, changing, copying, archiving and deleting."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.bodies import DOCUMENT
from api.conventions.callers import ApiRequest
from api.conventions.errors import as_conflict
from api.conventions.operations import operation
from api.conventions.paging import page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import LARGE, workflow_for, workflows_for
from api.routes.variables import own_variables, set_all
from api.schemas.versions import full_version, version_summary
from api.schemas.workflows import (
    PROJECT_ID,
    Copy,
    FullQuery,
    FullWorkflow,
    Move,
    NewBinding,
    NewWorkflow,
    WorkflowChanges,
    WorkflowOut,
    WorkflowQuery,
    WorkflowSummary,
    deployment_of,
    full_workflow,
    summary_of,
)
from deployments.history import records
from deployments.permissions import VIEW as VIEW_DEPLOYMENT
from deployments.services import archive as archiving
from targets.policy import Refused
from workflows import drafts, lifecycle, services
from workflows.documentation import examples
from workflows.ir.document.kinds import WORKFLOW
from workflows.models import Workflow, WorkflowVersion

VIEW, ADD = "workflows.view_workflow", "workflows.add_workflow"
CHANGE, DELETE = "workflows.change_workflow", "workflows.delete_workflow"
ADD_VARIABLE = "workflows.add_environmentvariable"
VIEW_VERSION = "workflows.view_workflowversion"
_MAX_SUMMARIES = 100
_PARTS = {
    "trigger_code": "entry_code",
    "dependencies": "dependencies",
    "deploy_config": "deploy_settings",
}
router = Router(tags=["Workflows"])


@operation(router, "GET", "/workflows", permission=VIEW, responses={200: ListOf[WorkflowSummary]})
def list_workflows(request: ApiRequest, query: Query[WorkflowQuery]) -> dict[str, Any]:
    """List workflows by name."""
    rows = workflows_for(request.auth)
    if query.q:
        found = Q(name__icontains=query.q) | Q(description__icontains=query.q) | Q(pk=query.q)
        rows = rows.filter(found)
    if query.archived is not None:
        rows = rows.filter(archived_at__isnull=not query.archived)
    if query.kind == WORKFLOW:
        rows = rows.filter(Q(ir__kind=WORKFLOW) | Q(ir__kind__isnull=True))
    elif query.kind:
        rows = rows.filter(ir__kind=query.kind)
    page = page_of(rows, query, order=("name", "id"), name="workflows")
    return listed([summary_of(row) for row in page.rows], page.next_cursor)


@operation(
    router,
    "POST",
    "/workflows",
    permission=ADD,
    responses={201: WorkflowOut},
    errors=[404],
    max_bytes=DOCUMENT,
)
def create_workflow(request: ApiRequest, body: NewWorkflow) -> Status[Any]:
    """Create a workflow from a document, or one whose only node is an empty step."""
    request.auth.require_all_workflows()
    _require_project(body.project_id or PROJECT_ID)
    if body.ir is not None:
        document = examples.named(body.ir, body.name) if body.name else body.ir
        imported = services.import_document(document, by=request.auth.actor)
        return Status(201, workflow_out(request, imported.pk))
    created = services.create_workflow(
        body.name, description=body.description, kind=body.kind, by=request.auth.user
    )
    return Status(201, workflow_out(request, created.pk))


@operation(
    router, "GET", "/workflows/{slug:workflow_id}", permission=VIEW, responses={200: WorkflowOut}
)
def get_workflow(request: ApiRequest, workflow_id: str) -> dict[str, Any]:
    """Return a workflow with what is beside its document."""
    return workflow_out(request, workflow_id)


@operation(
    router,
    "PATCH",
    "/workflows/{slug:workflow_id}",
    permission=CHANGE,
    responses={200: WorkflowOut},
    errors=[409, 422],
    max_bytes=4 * 1024 * 1024,
)
def update_workflow(request: ApiRequest, workflow_id: str, body: WorkflowChanges) -> dict[str, Any]:
    """Change the name, the description, variables, or parts of the draft. Versions are not changed."""
    workflow, by = workflow_for(request.auth, workflow_id), request.auth.actor
    values = body.model_dump(exclude_none=True)
    parts = {field: values[name] for name, field in _PARTS.items() if name in values}
    if "deploy_settings" in parts:
        parts["deploy_settings"] = _settings(workflow, parts["deploy_settings"])
    with transaction.atomic():
        lifecycle.update(workflow, name=body.name, description=body.description, by=by)
        if body.env_vars:
            set_all(request.auth, body.env_vars, workflow=workflow)
        if parts:
            drafts.change_parts(workflow_id, parts, by=request.auth.user)
    return workflow_out(request, workflow_id)


@operation(
    router,
    "DELETE",
    "/workflows/{slug:workflow_id}",
    permission=DELETE,
    responses={204: None},
    errors=[409],
)
def delete_workflow(request: ApiRequest, workflow_id: str) -> Status[None]:
    """Delete a workflow and its versions. Its Workers, deployments and runs stay."""
    workflow = workflow_for(request.auth, workflow_id)
    with as_conflict(Refused):
        archiving.delete_workflow(workflow, by=request.auth.actor)
    return Status(204, None)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/duplicate",
    permission=ADD,
    responses={201: WorkflowOut},
)
def duplicate_workflow(request: ApiRequest, workflow_id: str, body: Copy) -> Status[Any]:
    """Create a workflow from the draft of another one."""
    caller = request.auth
    caller.require(VIEW)
    if body.copy_variables:
        caller.require(ADD_VARIABLE)
    caller.require_all_workflows()
    copy = lifecycle.duplicate(
        workflow_for(caller, workflow_id),
        name=body.name,
        copy_variables=body.copy_variables,
        by=caller.user,
    )
    return Status(201, workflow_out(request, copy.pk))


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/archive",
    permission=CHANGE,
    responses={200: WorkflowOut},
)
def archive_workflow(request: ApiRequest, workflow_id: str) -> dict[str, Any]:
    """Archive a workflow that is live nowhere: it can be neither changed nor deployed."""
    with as_conflict(Refused):
        archiving.archive(workflow_for(request.auth, workflow_id), by=request.auth.actor)
    return workflow_out(request, workflow_id)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/unarchive",
    permission=CHANGE,
    responses={200: WorkflowOut},
)
def unarchive_workflow(request: ApiRequest, workflow_id: str) -> dict[str, Any]:
    """Allow changes and deployments again."""
    lifecycle.unarchive(workflow_for(request.auth, workflow_id), by=request.auth.actor)
    return workflow_out(request, workflow_id)


@operation(
    router,
    "PATCH",
    "/workflows/{slug:workflow_id}/move",
    permission=CHANGE,
    responses={200: WorkflowOut},
)
def move_workflow(request: ApiRequest, workflow_id: str, body: Move) -> dict[str, Any]:
    """Keep the workflow in the only project, `default`; this is for AwaitStep's clients."""
    _require_project(body.target_project_id)
    return workflow_out(request, workflow_id)


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/full",
    permission=VIEW,
    responses={200: FullWorkflow},
)
def get_full_workflow(
    request: ApiRequest,
    workflow_id: str,
    query: Query[FullQuery],
) -> dict[str, Any]:
    """Return a workflow, one of its versions (by default the newest), all summaries, and what is live."""
    caller = request.auth
    caller.require(VIEW_VERSION)
    out = workflow_out(request, workflow_id)
    rows = WorkflowVersion.objects.filter(workflow=workflow_id).select_related("created_by")
    shown = rows.filter(number=query.version) if query.version else rows
    current = shown.order_by("-number").first()
    if query.version and current is None:
        raise ApiError(404, f"The workflow has no version {query.version}.")
    live = records.live(workflow_id) if caller.may(VIEW_DEPLOYMENT) else None
    return {
        "workflow": out,
        "current_version": full_version(current) if current else None,
        "versions": [version_summary(row) for row in rows.defer(*LARGE)[:_MAX_SUMMARIES]],
        "active_deployment": deployment_of(live),
    }


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/bindings",
    permission=CHANGE,
    responses={200: WorkflowOut},
)
def declare_binding(request: ApiRequest, workflow_id: str, body: NewBinding) -> dict[str, Any]:
    """Declare the kind of a name in the workflow's `env`; this saves a version."""
    workflow, by = workflow_for(request.auth, workflow_id), request.auth.actor
    services.declare_binding(workflow, body.name, body.kind, by=by)
    return workflow_out(request, workflow_id)


@operation(
    router,
    "DELETE",
    "/workflows/{slug:workflow_id}/bindings/{str:name}",
    permission=CHANGE,
    responses={204: None},
)
def remove_binding(request: ApiRequest, workflow_id: str, name: str) -> Status[None]:
    """Remove a declared binding; this saves a version."""
    workflow = workflow_for(request.auth, workflow_id)
    if not workflow.declared_bindings.filter(name=name).exists():
        raise ApiError(404, f"{workflow.name} does not declare a binding {name!r}.")
    services.remove_binding(workflow, name, by=request.auth.actor)
    return Status(204, None)


def workflow_out(request: ApiRequest, workflow_id: str) -> dict[str, Any]:
    """Return a workflow as the caller may see it."""
    workflow = workflow_for(request.auth, workflow_id)
    return full_workflow(workflow, own_variables(request.auth, workflow))


def _settings(workflow: Workflow, config: dict[str, Any]) -> dict[str, Any]:
    """Return deploy settings; AwaitStep's only setting replaces the routes."""
    if set(config) != {"route"}:
        return config
    route = config["route"]
    return {**workflow.deploy_settings, "routes": [route] if route else []}


def _require_project(project_id: str) -> None:
    if project_id != PROJECT_ID:
        raise ApiError(404, f"There is no project {project_id!r}, only {PROJECT_ID!r}.")
