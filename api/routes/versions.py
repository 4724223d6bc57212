"""Versions: the list, saving, comparing, locking, annotating, restoring and deleting."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router
from ninja.responses import Status

from api.conventions.bodies import DOCUMENT
from api.conventions.callers import ApiRequest, Caller
from api.conventions.errors import as_conflict
from api.conventions.etags import etag_of, require_match
from api.conventions.operations import operation
from api.conventions.paging import Paging, page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import LARGE, workflow_for
from api.schemas.versions import (
    CompareQuery,
    ComparisonOut,
    NewVersion,
    Reverted,
    VersionChanges,
    VersionOut,
    VersionSummary,
    comparison_of,
    full_version,
    version_summary,
)
from deployments.presentation.compared_sides import side_of
from workflows import services, versions
from workflows.documents.comparison.comparison import compare
from workflows.editing.document.refusals import Refused
from workflows.models import WorkflowVersion

VIEW, VIEW_WORKFLOW = "workflows.view_workflowversion", "workflows.view_workflow"
CHANGE, DELETE = "workflows.change_workflow", "workflows.delete_workflowversion"
_ONE = "/workflows/{slug:workflow_id}/versions/{key:version_id}"
router = Router(tags=["Versions"])


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/versions",
    permission=VIEW,
    responses={200: ListOf[VersionSummary]},
)
def list_versions(request: ApiRequest, workflow_id: str, query: Query[Paging]) -> dict[str, Any]:
    """List the versions of a workflow, the newest first."""
    workflow = workflow_for(request.auth, workflow_id)
    rows = workflow.versions.select_related("created_by").defer(*LARGE, "bindings")
    page = page_of(rows, query, order=("-number",), name="versions")
    return listed([version_summary(row) for row in page.rows], page.next_cursor)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/versions",
    permission=CHANGE,
    responses={200: VersionOut, 201: VersionOut},
    max_bytes=DOCUMENT,
)
def create_version(request: ApiRequest, workflow_id: str, body: NewVersion) -> Status[Any]:
    """Replace the document and save it as a version. If nothing has changed, the newest one is returned."""
    caller = request.auth
    workflow = workflow_for(caller, workflow_id)
    before = workflow.versions.order_by("-number").values_list("number", flat=True).first()
    note = versions.clean_note(body.note)
    if body.ir is None:
        version = services.save_version(workflow, by=caller.user, note=note)
    else:
        into = services.import_document(body.ir, into=workflow, by=caller.actor, note=note)
        version = into.newest_version
    return Status(200 if version.number == before else 201, full_version(version))


@operation(router, "GET", _ONE, permission=VIEW, responses={200: VersionOut})
def get_version(request: ApiRequest, workflow_id: str, version_id: int) -> dict[str, Any]:
    """Return a version with its content."""
    return full_version(_version(request.auth, workflow_id, version_id))


@operation(router, "PATCH", _ONE, permission=CHANGE, responses={200: VersionOut}, errors=[422])
def update_version(
    request: ApiRequest, workflow_id: str, version_id: int, body: VersionChanges
) -> dict[str, Any]:
    """Lock or unlock a version, or change its note. A workflow with a locked version cannot be deleted."""
    version, by = _version(request.auth, workflow_id, version_id), request.auth.actor
    if body.note is not None:
        versions.set_note(version, body.note, before=version.note, by=by)
    if body.locked is not None:
        versions.set_locked(version, locked=body.locked, by=by)
    return full_version(version)


@operation(router, "DELETE", _ONE, permission=DELETE, responses={204: None}, errors=[409])
def delete_version(request: ApiRequest, workflow_id: str, version_id: int) -> Status[None]:
    """Delete a version that is neither locked nor the newest one. Deployments keep their copy of it."""
    version = _version(request.auth, workflow_id, version_id)
    with as_conflict(Refused):
        versions.delete(version, by=request.auth.actor)
    return Status(204, None)


@operation(
    router,
    "POST",
    f"{_ONE}/revert",
    permission=CHANGE,
    responses={200: Reverted},
    errors=[412],
    headers=["If-Match"],
)
def revert_to_version(request: ApiRequest, workflow_id: str, version_id: int) -> dict[str, Any]:
    """Make the draft equal to a version, as one change that can be undone."""
    version = _version(request.auth, workflow_id, version_id)
    revision = version.workflow.draft_revision
    require_match(request, etag_of(revision), is_required=False)
    changed = versions.restore(version, revision=revision, by=request.auth.user)
    version.workflow.refresh_from_db(fields=["draft_revision"])
    return {
        **version_summary(version),
        "changed": changed,
        "draft_revision": version.workflow.draft_revision,
    }


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/compare",
    permission=VIEW,
    responses={200: ComparisonOut},
)
def compare_versions(
    request: ApiRequest,
    workflow_id: str,
    query: Query[CompareQuery],
) -> dict[str, Any]:
    """Compare two of `draft`, `v3` and `live-1` (the id of a target); by default, the newest version and the draft."""
    workflow = workflow_for(request.auth, workflow_id)
    first = query.before or f"v{workflow.newest_version.number}"
    sides = [side_of(workflow, key, request.auth.user) for key in (first, query.after)]
    return comparison_of(compare(sides[0].content, sides[1].content))


def _version(caller: Caller, workflow_id: str, number: int) -> WorkflowVersion:
    caller.require_workflow(workflow_id)
    rows = WorkflowVersion.objects.select_related("workflow", "created_by")
    version = rows.filter(workflow=workflow_id, number=number).first()
    if version is None:
        raise ApiError(404, f"The workflow {workflow_id!r} has no version {number}.")
    return version
