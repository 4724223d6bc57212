"""The versions of a workflow: the list, the page of each version, and what can be done with one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor
from deployments.permissions import VIEW
from deployments.presentation.live_workers import Worker, live_workers_of
from deployments.presentation.project_files import (
    FILES,
    download,
    files_context,
    is_file_download,
    version_files_url,
)
from deployments.presentation.project_parts import pictures_of_classes, settings_of_project
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page
from workflows import versions as services
from workflows.document_text import document_text
from workflows.draft_code import module_of_version
from workflows.editing.document.refusals import Refused
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow, WorkflowVersion
from workflows.node_types.registered import types_for
from workflows.picture.drawing import picture_of

VIEW_VERSIONS: Final = "workflows.view_workflowversion"
CHANGE_WORKFLOW: Final = "workflows.change_workflow"
_PER_PAGE: Final = 50
_LARGE: Final = ("ir", "files", "entry_code", "dependencies", "bindings", "deploy_settings")

Context = dict[str, Any]


@require_safe
@staff_with(VIEW_VERSIONS)
def versions(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the versions, newest first, and where they are live, to staff who may view versions."""
    workflow = get_object_or_404(Workflow, pk=pk)
    rows = workflow.versions.select_related("created_by").defer(*_LARGE).order_by("-number")
    shown = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
    live = live_on(request, workflow)
    numbers = list(workflow.versions.order_by("number").values_list("number", flat=True))
    context = {
        "workflow": workflow,
        "shown": shown,
        "previous": dict(zip(numbers[1:], numbers, strict=False)),
        "rows": [(version, live.get(version.number, [])) for version in shown],
    }
    return page(request, "deployments/versions/versions", context)


def live_on(request: HttpRequest, workflow: Workflow) -> Mapping[int, list[Worker]]:
    """Return the Workers on which each version is live; none if the user may not see deployments."""
    workers: dict[int, list[Worker]] = defaultdict(list)
    for worker in live_workers_of(workflow) if request.user.has_perm(VIEW) else ():
        if worker.live:
            workers[worker.live.version_number].append(worker)
    return workers


@require_safe
@staff_with(VIEW_VERSIONS)
def version(request: HttpRequest, pk: str, number: int, slug: str = "picture") -> HttpResponse:
    """Show one part of a version: its picture, its code, its document, or its settings."""
    return _shown(request, found_version(pk, number), slug)


def _shown(
    request: HttpRequest, shown: WorkflowVersion, slug: str = "picture", **more: str
) -> HttpResponse:
    workflow, number = shown.workflow, shown.number
    parts = _PARTS_OF_PROJECT if shown.is_project else _PARTS
    if slug not in parts:
        raise Http404("A version has no such part.")
    if slug == FILES and is_file_download(request.GET):
        return download(shown.files, request.GET)
    numbers = workflow.versions.values_list("number", flat=True)
    label, load = parts[slug]
    context = {
        "workflow": workflow,
        "version": shown,
        "newest": numbers.order_by("-number").first(),
        "previous": numbers.filter(number__lt=number).order_by("-number").first(),
        "following": numbers.filter(number__gt=number).order_by("number").first(),
        "workers": live_on(request, workflow).get(number, []),
        "is_draft": shown.has_content(workflow.content),
        "parts": [(each, name) for each, (name, _) in parts.items()],
        "slug": slug,
        "label": label,
        **load(shown, request),
        **more,
    }
    return page(request, "deployments/versions/version", context)


def found_version(pk: str, number: int) -> WorkflowVersion:
    """Return a version with its workflow; raises Http404 if there is none."""
    rows = WorkflowVersion.objects.select_related("workflow", "created_by")
    return get_object_or_404(rows, workflow=pk, number=number)


def _picture(shown: WorkflowVersion, _request: HttpRequest) -> Context:
    return {"drawn": picture_of(shown.ir, types_for(shown.ir))}


def _typescript(shown: WorkflowVersion, _request: HttpRequest) -> Context:
    """Return the module that a deploy of the version would build now."""
    try:
        return {"code": module_of_version(shown).source, "file_name": "worker.ts"}
    except (InvalidIR, InvalidSettings) as invalid:
        return {"reasons": list(map(str, invalid.problems))}
    except UnreadableSecret as error:
        return {"reasons": [str(error)]}


def _document(shown: WorkflowVersion, _request: HttpRequest) -> Context:
    return {"code": document_text(shown.ir), "file_name": "workflow.json"}


def _settings(shown: WorkflowVersion, _request: HttpRequest) -> Context:
    return {
        "packages": sorted(shown.dependencies.items()),
        "bindings": [
            (name, BindingKind(kind).label if kind in set(BindingKind) else kind)
            for name, kind in sorted(shown.bindings.items())
        ],
        "deploy_settings": json.dumps(shown.deploy_settings, indent=2, ensure_ascii=False),
    }


def _files(shown: WorkflowVersion, request: HttpRequest) -> Context:
    return files_context(shown.files, request.GET)


def _class_pictures(shown: WorkflowVersion, request: HttpRequest) -> Context:
    base = version_files_url(shown.workflow_id, shown.number)
    return {
        "classes": pictures_of_classes(shown.files, base=base, only=request.GET.get("workflow", ""))
    }


def _configuration(shown: WorkflowVersion, _request: HttpRequest) -> Context:
    base = version_files_url(shown.workflow_id, shown.number)
    return {
        "settings": settings_of_project(shown.files, base=base, packages=shown.dependencies),
    }


_Parts = Mapping[str, tuple[str, Callable[[WorkflowVersion, HttpRequest], Context]]]
_PARTS: Final[_Parts] = {
    "picture": ("Picture", _picture),
    "typescript": ("TypeScript", _typescript),
    "document": ("Document", _document),
    "settings": ("Settings", _settings),
}
_PARTS_OF_PROJECT: Final[_Parts] = {
    "picture": ("Picture", _class_pictures),
    FILES: ("Files", _files),
    "settings": ("Settings", _configuration),
}


def page_of(_request: HttpRequest, pk: str, number: int) -> str:
    """Return the address of a version's page."""
    return reverse("deployments:version", args=[pk, number])


@redirect_get_to(page_of)
@staff_with(CHANGE_WORKFLOW)
def note(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    """Change the note of a version; a note that is refused stays in its form."""
    changed, by = found_version(pk, number), Actor.of(request.user)
    text, before = request.POST.get("note", ""), request.POST.get("before", "")
    try:
        services.set_note(changed, text, before=before, by=by)
    except Refused as refused:
        problem = f"The note was not saved. {refused}"
        return _shown(request, found_version(pk, number), typed_note=text, note_problem=problem)
    messages.success(request, f"The note of v{number} was saved.")
    return redirect(page_of(request, pk, number))


@redirect_get_to(page_of)
@staff_with(CHANGE_WORKFLOW)
def lock(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    """Lock a version, or unlock it if the pressed button says so; then show the page with the button."""
    locked = request.POST.get("locked") != "no"
    services.set_locked(found_version(pk, number), locked=locked, by=Actor.of(request.user))
    messages.success(request, f"v{number} is {'locked' if locked else 'no longer locked'}.")
    if "list" in request.POST:
        return redirect("deployments:workflow_versions", pk)
    return redirect(page_of(request, pk, number))
