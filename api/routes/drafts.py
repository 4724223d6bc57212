"""Drafts: reading, replacing, and changing them by the operations of the editor."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Router
from ninja.responses import Status

from api.conventions.bodies import DOCUMENT
from api.conventions.callers import ApiRequest
from api.conventions.etags import etag_of, is_known, require_match
from api.conventions.operations import operation
from api.conventions.problems import document_items
from api.lookup import workflow_for
from api.schemas.drafts import (
    ChangedOut,
    DraftBody,
    DraftOut,
    DraftProblems,
    HistoryBody,
    OperationBody,
    changed_of,
    draft_of,
)
from workflows import drafts
from workflows.draft_problems import draft_problems

VIEW, CHANGE = "workflows.view_workflow", "workflows.change_workflow"
_DRAFT = "/workflows/{slug:workflow_id}/draft"
router = Router(tags=["Drafts"])


@operation(
    router,
    "GET",
    _DRAFT,
    permission=VIEW,
    responses={200: DraftOut, 304: None},
    headers=["If-None-Match"],
)
def get_draft(request: ApiRequest, response: HttpResponse, workflow_id: str) -> Status[Any]:
    """Return the draft with its ETag."""
    workflow = workflow_for(request.auth, workflow_id)
    etag = etag_of(workflow.draft_revision)
    response["ETag"] = etag
    return Status(304, None) if is_known(request, etag) else Status(200, draft_of(workflow))


@operation(
    router,
    "PUT",
    _DRAFT,
    permission=CHANGE,
    responses={200: ChangedOut},
    errors=[409, 412, 422, 428],
    max_bytes=DOCUMENT,
    headers=["If-Match"],
)
def replace_draft(
    request: ApiRequest, response: HttpResponse, workflow_id: str, body: DraftBody
) -> dict[str, Any]:
    """Replace the draft in one change that can be undone. The header If-Match has the ETag that was read."""
    workflow = workflow_for(request.auth, workflow_id)
    require_match(request, etag_of(workflow.draft_revision), is_required=True)
    parts = {
        "entry_code": body.trigger_code,
        "dependencies": body.dependencies,
        "deploy_settings": body.deploy_config,
        "tests": body.tests,
    }
    given = {name: value for name, value in parts.items() if value is not None}
    changed = drafts.replace_checked(
        workflow, {"ir": body.ir, **given}, summary="Replaced the draft", by=request.auth.user
    )
    response["ETag"] = etag_of(changed.revision)
    return changed_of(changed)


@operation(
    router,
    "POST",
    f"{_DRAFT}/operations",
    permission=CHANGE,
    responses={200: ChangedOut},
    errors=[412],
    max_bytes=DOCUMENT,
    headers=["If-Match"],
)
def change_draft(
    request: ApiRequest, response: HttpResponse, workflow_id: str, body: OperationBody
) -> dict[str, Any]:
    """Perform an operation of the editor; it is merged with changes since its revision to other parts."""
    workflow = workflow_for(request.auth, workflow_id)
    require_match(request, etag_of(workflow.draft_revision), is_required=False)
    changed = drafts.change_draft(
        workflow_id,
        body.operation,
        revision=body.revision,
        by=request.auth.user,
        request_id=body.id,
    )
    response["ETag"] = etag_of(changed.revision)
    return changed_of(changed)


@operation(router, "POST", f"{_DRAFT}/undo", permission=CHANGE, responses={200: ChangedOut})
def undo_change(request: ApiRequest, workflow_id: str, body: HistoryBody) -> dict[str, Any]:
    """Undo your last change to the draft."""
    workflow_for(request.auth, workflow_id)
    return changed_of(drafts.undo(workflow_id, by=request.auth.user, request_id=body.id))


@operation(router, "POST", f"{_DRAFT}/redo", permission=CHANGE, responses={200: ChangedOut})
def redo_change(request: ApiRequest, workflow_id: str, body: HistoryBody) -> dict[str, Any]:
    """Redo the change that you undid last."""
    workflow_for(request.auth, workflow_id)
    return changed_of(drafts.redo(workflow_id, by=request.auth.user, request_id=body.id))


@operation(router, "GET", f"{_DRAFT}/problems", permission=VIEW, responses={200: DraftProblems})
def get_draft_problems(request: ApiRequest, workflow_id: str) -> dict[str, Any]:
    """Compile the draft, and return its errors and warnings."""
    workflow = workflow_for(request.auth, workflow_id)
    found = draft_problems(workflow)
    errors = sum(problem.is_error for problem in found)
    return {
        "revision": workflow.draft_revision,
        "errors": errors,
        "warnings": len(found) - errors,
        "problems": document_items(found),
    }
