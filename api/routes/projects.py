"""Workflows as folders of code: creating them, and reading and changing their files."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.bodies import DOCUMENT
from api.conventions.callers import ApiRequest
from api.conventions.etags import etag_of, require_match
from api.conventions.operations import operation
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import workflow_for
from api.routes.workflows import workflow_out
from api.schemas.drafts import ChangedOut, changed_of
from api.schemas.projects import (
    FileOperation,
    FileOut,
    FileQuery,
    FilesBody,
    FileSummary,
    NewCodeProject,
    ProjectOut,
    file_of,
)
from api.schemas.workflows import PROJECT_ID, WorkflowOut
from workflows import drafts
from workflows.documents.projects import editing
from workflows.documents.projects.files import ProjectFiles, check_files, file_bytes
from workflows.documents.projects.starter import starter_files
from workflows.documents.projects.tags import file_tags
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import Workflow
from workflows.project_samples import project_samples
from workflows.projects import import_project

VIEW, ADD, CHANGE = (
    "workflows.view_workflow",
    "workflows.add_workflow",
    "workflows.change_workflow",
)
_FILES = "/workflows/{slug:workflow_id}/files"
router = Router(tags=["Projects"])


@operation(router, "GET", "/projects", permission=VIEW, responses={200: ListOf[ProjectOut]})
def list_projects(request: ApiRequest) -> dict[str, Any]:
    """List AwaitStep's projects, of which there is one here."""
    return listed([{"id": PROJECT_ID, "name": "AwaitStep"}])


@operation(
    router,
    "POST",
    "/workflows/from-files",
    permission=ADD,
    responses={201: WorkflowOut},
    errors=[404],
    max_bytes=DOCUMENT,
)
def create_from_files(request: ApiRequest, body: NewCodeProject) -> Status[Any]:
    """Create a workflow from the files of a project, from a sample, or from an empty project."""
    request.auth.require_all_workflows()
    files = body.files if body.files is not None else _sample(body)
    workflow = import_project(dict(files), name=body.name, by=request.auth.actor)
    return Status(201, workflow_out(request, workflow.pk))


@operation(router, "GET", _FILES, permission=VIEW, responses={200: list[FileSummary]})
def list_files(request: ApiRequest, workflow_id: str) -> list[dict[str, Any]]:
    """List the files of a project."""
    files = _project(request, workflow_id).files
    tags = file_tags(files)
    return [file_of(path, tags[path], file_bytes(files, path)) for path in sorted(files)]


@operation(router, "GET", f"{_FILES}/content", permission=VIEW, responses={200: FileOut})
def get_file(
    request: ApiRequest,
    workflow_id: str,
    query: Query[FileQuery],
) -> dict[str, Any]:
    """Return a file with its content."""
    files, path = _project(request, workflow_id).files, query.path
    if path not in files:
        raise ApiError(404, "This project has no such file.")
    content = files[path]
    is_text = isinstance(content, str)
    return {
        **file_of(path, file_tags({path: content})[path], file_bytes(files, path)),
        "text": content if is_text else None,
        "base64": None if is_text else content["base64"],
    }


@operation(
    router,
    "PUT",
    _FILES,
    permission=CHANGE,
    responses={200: ChangedOut},
    errors=[409, 412, 422, 428],
    max_bytes=DOCUMENT,
    headers=["If-Match"],
)
def replace_files(
    request: ApiRequest, response: HttpResponse, workflow_id: str, body: FilesBody
) -> dict[str, Any]:
    """Replace all files in one change that can be undone. The header If-Match has the ETag of the draft."""
    workflow, files = _project(request, workflow_id), dict(body.files)
    require_match(request, etag_of(workflow.draft_revision), is_required=True)
    if problems := check_files(files):
        raise InvalidIR([Problem(path="files", message=str(each)) for each in problems])
    changed = drafts.replace_files(
        workflow_id,
        files,
        revision=workflow.draft_revision,
        summary="Replaced the files",
        by=request.auth.user,
    )
    response["ETag"] = etag_of(changed.revision)
    return changed_of(changed)


@operation(
    router,
    "POST",
    f"{_FILES}/operations",
    permission=CHANGE,
    responses={200: ChangedOut},
    max_bytes=DOCUMENT,
)
def change_file(request: ApiRequest, workflow_id: str, body: FileOperation) -> dict[str, Any]:
    """Add, write, move or delete a file or a folder."""
    _project(request, workflow_id)
    by, request_id = request.auth.user, body.id
    if known := drafts.known_answer(workflow_id, request_id, by=by):
        return changed_of(known)
    edit = _edit(body)
    return changed_of(drafts.change_files(workflow_id, edit, by=by, request_id=request_id))


def _edit(body: FileOperation) -> Any:
    match body.operation:
        case "add":
            return partial(editing.add_files, added={body.path: body.text})
        case "write":
            return partial(editing.write_text, path=body.path, text=body.text, base=body.base)
        case "move":
            return partial(editing.move, path=body.path, to=body.to, base=body.base)
        case "delete":
            return partial(editing.delete, path=body.path, base=body.base)


def _project(request: ApiRequest, workflow_id: str) -> Workflow:
    workflow = workflow_for(request.auth, workflow_id)
    if not workflow.is_project:
        raise ApiError(404, "This workflow has a document, not files.")
    return workflow


def _sample(body: NewCodeProject) -> ProjectFiles:
    if body.sample is None:
        return starter_files(body.name or "Project")
    found = (each.files for each in project_samples() if each.name == body.sample)
    files = next(found, None)
    if files is None:
        names = ", ".join(each.name for each in project_samples())
        raise ApiError(404, f"There is no sample {body.sample!r}. The samples are: {names}.")
    return files
