"""Requests that read and change the files of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows import drafts
from workflows.documents.projects import editing
from workflows.documents.projects.contents import StoredFile
from workflows.documents.projects.editing import FilesEdit
from workflows.documents.projects.files import (
    MAX_FILE_BYTES,
    MAX_LOCK_BYTES,
    ProjectFiles,
    file_bytes,
    stored,
)
from workflows.documents.projects.tags import tag_of
from workflows.drafts import Changed, ChangedMeanwhile
from workflows.editing.document.refusals import Refused
from workflows.models import Workflow
from workflows.views.draft import CHANGE, VIEW, answer
from workflows.views.draft_requests import (
    back,
    body_of,
    is_from_script,
    is_json,
    request_id,
    user_of,
)
from workflows.views.project_editor import ProjectState

_Edit = Callable[[ProjectFiles], FilesEdit]
_MAX_UPLOADS: Final = 100
_READ_AT_MOST: Final = max(MAX_FILE_BYTES, MAX_LOCK_BYTES) + 1


@require_GET
@staff_with(VIEW)
def file(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the file `path` as the editor shows it, or with `download`, its exact bytes."""
    workflow, path = get_object_or_404(Workflow, pk=pk), request.GET.get("path", "")
    if path not in workflow.files:
        if is_from_script(request):
            return JsonResponse({"error": "This file was deleted."}, status=404)
        raise Http404("This project has no such file.")
    if "download" in request.GET:
        return _download(workflow.files, path)
    content = workflow.files[path]
    return JsonResponse(
        {
            "path": path,
            "tag": tag_of(workflow.files, path),
            "text": content if isinstance(content, str) else None,
            "html": ProjectState(request, workflow, path).panel(),
        }
    )


def _download(files: ProjectFiles, path: str) -> HttpResponse:
    """Return a file in a way that no browser shows: it may be a page with scripts."""
    response = HttpResponse(file_bytes(files, path), content_type="application/octet-stream")
    name = quote(path.rpartition("/")[2], safe="")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@staff_with(CHANGE)
def change(request: HttpRequest, pk: str) -> HttpResponse:
    """Perform an operation on the files, as JSON or as form fields.

    `operation` is "write", "add", "move", "delete", "upload" or "replace"; `path` is the file or the
    folder, whose path ends with a slash, and `base` its tag on the page.
    """
    fields = _fields(request)
    if fields.get("operation") == "write" and not is_from_script(request):
        return _written_by_form(request, pk, fields)
    return answer(request, pk, lambda: _changed(request, pk, fields))


def _fields(request: HttpRequest) -> Mapping[str, Any]:
    if not is_json(request):
        return request.POST.dict()
    try:
        return body_of(request)
    except Refused:
        return {}  # performing the operation reports it


def _changed(request: HttpRequest, pk: str, fields: Mapping[str, Any]) -> Changed:
    id_, by = request_id(request), user_of(request)
    if known := drafts.known_answer(pk, id_, by=by):
        return known
    return drafts.change_files(pk, _edit(request, fields), by=by, request_id=id_)


def _edit(request: HttpRequest, fields: Mapping[str, Any]) -> _Edit:
    """Return the operation of a request; raises Refused if it is not complete."""
    operation = fields.get("operation")
    if operation == "add":
        return partial(editing.add_files, added={_text(fields, "path"): ""})
    if operation == "upload":
        return partial(editing.add_files, added=_uploaded(request, _text(fields, "folder")))
    path, base = _text(fields, "path"), _text(fields, "base")
    match operation:
        case "write":
            return partial(editing.write_text, path=path, text=_text(fields, "text"), base=base)
        case "move":
            return partial(editing.move, path=path, to=_text(fields, "to"), base=base)
        case "delete":
            return partial(editing.delete, path=path, base=base)
        case "replace":
            content = _replacement(request)
            return partial(editing.replace_file, path=path, content=content, base=base)
        case _:
            raise Refused("The request does not contain a known operation on files.")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Refused(f"The request does not contain the text {name}.")
    return value


def _uploaded(request: HttpRequest, folder: str) -> dict[str, StoredFile]:
    uploads = request.FILES.getlist("files")
    if len(uploads) > _MAX_UPLOADS:
        raise Refused(f"At most {_MAX_UPLOADS} files can be uploaded at the same time.")
    folder = folder.strip()
    prefix = f"{folder.rstrip('/')}/" if folder.strip("/") else ""
    return {f"{prefix}{each.name}": stored(each.read(_READ_AT_MOST)) for each in uploads}


def _replacement(request: HttpRequest) -> bytes:
    upload = request.FILES.get("files")
    if upload is None:
        raise Refused("Choose a file.")
    content: bytes = upload.read(_READ_AT_MOST)
    return content


def _written_by_form(request: HttpRequest, pk: str, fields: Mapping[str, Any]) -> HttpResponse:
    """Save a text; if that is not possible, show the text again, so that it is not lost."""
    try:
        _changed(request, pk, fields)
    except Workflow.DoesNotExist:
        raise Http404("This workflow was deleted.") from None
    except (Refused, ChangedMeanwhile) as refused:
        workflow = get_object_or_404(Workflow, pk=pk)
        path = str(fields.get("path", ""))
        context = {
            "workflow": workflow,
            "error": str(refused),
            "path": path,
            "tag": tag_of(workflow.files, path),
            "text": fields.get("text", ""),
            "current": workflow.files.get(path),
        }
        return page(request, "workflows/project/not_saved", context)
    return back(request, pk, selected=str(fields.get("path", "")))
