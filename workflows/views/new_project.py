"""New projects: an empty one, a sample, or uploaded files after a preview."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.documents.projects.contents import content_of
from workflows.documents.projects.files import (
    MAX_ARCHIVE_BYTES,
    InvalidProject,
    LeftOut,
    ProjectFiles,
    ReadProject,
    read_archive,
)
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.reading.loose_files import read_loose_files
from workflows.documents.projects.starter import starter_files
from workflows.editing.new_documents import typed_name
from workflows.ir.reading import json_reader
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR
from workflows.project_problems import located_problems
from workflows.project_samples import project_samples
from workflows.projects import import_project, project_name

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADD: Final = "workflows.add_workflow"
_ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
_MAX_UPLOADS: Final = 1_000
_MAX_SHOWN: Final = 200
_DAMAGED: Final = "The files for the preview were not received completely. Choose them again."


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(ADD)
def new_project(request: HttpRequest) -> HttpResponse:
    """Ask what the project starts from, or create it.

    `start` is "empty", or "sample" with the name of a `sample`, or "upload" with `files`, which are
    shown in a preview. The preview contains the files, so nothing is stored before "stored".
    """
    if request.method != "POST":
        return _asked(request)
    name = typed_name(request.POST.get("name", ""))
    if name and (problem := name_problem(name)):
        return _asked(request, [f"The name {problem}."])
    match request.POST.get("start"):
        case "empty" if name:
            return _created(request, starter_files(name), name)
        case "empty":
            return _asked(request, ["Give the project a name."])
        case "sample":
            return _from_sample(request, name)
        case "stored":
            return _from_preview(request, name)
        case _:
            return _uploaded(request, name)


def _from_sample(request: HttpRequest, name: str) -> HttpResponse:
    name_of_sample = request.POST.get("sample")
    samples = (each for each in project_samples() if each.name == name_of_sample)
    sample = next(samples, None)
    if sample is None:
        return _asked(request, ["There is no such sample. Choose one of those below."])
    return _created(request, sample.files, name or sample.title)


def _from_preview(request: HttpRequest, name: str) -> HttpResponse:
    try:
        files = json_reader.loads(request.POST.get("project", ""))
    except (ValueError, RecursionError):
        return _asked(request, [_DAMAGED])
    return _created(request, files, name)


def _uploaded(request: HttpRequest, name: str) -> HttpResponse:
    """Show what would be stored of the uploaded files."""
    uploads = request.FILES.getlist("files")[: _MAX_UPLOADS + 1]
    if not uploads:
        return _asked(request, ["Choose an archive, or the files of the project."])
    try:
        read = _read([(str(each.name), each.read(MAX_ARCHIVE_BYTES + 1)) for each in uploads])
    except InvalidProject as invalid:
        return _asked(request, map(str, invalid.problems))
    return _preview(request, read.files, read.left_out, name)


def _read(uploads: list[tuple[str, bytes]]) -> ReadProject:
    """Return the files of an archive, or several loose files."""
    name, data = uploads[0]
    if len(uploads) == 1 and name.lower().endswith(_ARCHIVES):
        return read_archive(data)
    return read_loose_files(uploads)


def _asked(request: HttpRequest, problems: Iterable[str] = ()) -> HttpResponse:
    context = {
        "title": "New project",
        "problems": list(problems)[:_MAX_SHOWN],
        "name": request.POST.get("name", ""),
        "samples": project_samples(),
    }
    return page(request, "workflows/project/new", context)


def _preview(
    request: HttpRequest, files: ProjectFiles, left_out: Iterable[LeftOut], name: str
) -> HttpResponse:
    problems = located_problems(files)[1]
    errors = [each for each in problems if not each.is_warning]
    context = {
        "title": "Check the project",
        "name": name or project_name(files),
        "files": [_row(path, files) for path in sorted(files)],
        "left_out": list(left_out),
        "errors": _texts(errors),
        "notes": _texts(each for each in problems if each.is_warning),
        "project": json.dumps(files),
    }
    return page(request, "workflows/project/preview", context)


def _row(path: str, files: ProjectFiles) -> dict[str, Any]:
    return {"path": path, "size": len(content_of(files[path]))}


def _texts(problems: Iterable[ProjectProblem]) -> list[str]:
    return [str(each) for each in problems][:_MAX_SHOWN]


def _created(request: HttpRequest, files: ProjectFiles, name: str) -> HttpResponse:
    user = cast("User", request.user)
    try:
        workflow = import_project(files, name=name, by=Actor.of(user))
    except InvalidIR as invalid:
        return _asked(request, map(str, invalid.problems))
    messages.success(request, f"{workflow.name} was created.")
    return redirect(workflow.get_absolute_url())
