"""The pages of one workflow: the code of its draft, and its deployments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from deployments.draft.code import Part, parts_of
from deployments.permissions import VIEW
from deployments.presentation.dashboard import summaries
from deployments.presentation.project_files import (
    FILES,
    download,
    files_context,
    is_file_download,
)
from web.decorators import HttpRequest, staff_with
from web.numbered_lines import Source
from web.rendering import page
from workflows.draft_code import node_names
from workflows.models import Workflow

VIEW_WORKFLOW: Final = "workflows.view_workflow"
VIEW_VARIABLES: Final = "workflows.view_environmentvariable"
_SHOWN: Final = 50


@require_safe
@staff_with(VIEW_WORKFLOW)
def code(request: HttpRequest, pk: str, slug: str = "") -> HttpResponse:
    """Show a part of the draft's code, or download it, to staff who may view workflows."""
    workflow = get_object_or_404(Workflow, pk=pk)
    part = part_named(workflow, slug) if slug else parts_of(workflow)[0]
    if part.slug == "wrangler-json" and not request.user.has_perm(VIEW_VARIABLES):
        raise PermissionDenied(VIEW_VARIABLES)  # it has the values of variables
    if part.slug == FILES and is_file_download(request.GET):
        return download(workflow.files, request.GET)
    written = part.write(workflow)
    if "download" in request.GET and written.text:
        name = f"{workflow.pk}-{part.file_name}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(written.text, content_type="text/plain; charset=utf-8", headers=headers)
    errors = [row for row in written.problems if not row.get("is_warning")]
    context = {
        "workflow": workflow,
        "parts": parts_of(workflow),
        "part": part,
        "code": written.text,
        "node": _shown_node(request, workflow),
        "sources": _sources(request, workflow, written.nodes),
        "errors": errors,
        "warnings": [row for row in written.problems if row.get("is_warning")],
        **(files_context(workflow.files, request.GET) if part.slug == FILES else {}),
    }
    return page(request, "deployments/workflow/code", context)


def _sources(request: HttpRequest, workflow: Workflow, nodes: Iterable[str]) -> list[Source | None]:
    """Return the node that each line comes from, with a link to it in the editor."""
    marked = request.GET.get("node", "")
    names = node_names(workflow.ir)
    address = workflow.get_absolute_url()
    by_id = {
        id_: Source(
            name=names.get(id_, id_),
            url=f"{address}?{urlencode({'node': id_})}",
            is_marked=id_ == marked,
        )
        for id_ in set(nodes)
        if id_
    }
    return [by_id.get(id_) for id_ in nodes]


def _shown_node(request: HttpRequest, workflow: Workflow) -> str:
    """Return the name of the node whose lines are marked; "" if the URL names none."""
    return node_names(workflow.ir).get(request.GET.get("node", ""), "")


def part_named(workflow: Workflow, slug: str) -> Part:
    """Return a part of the code; raises Http404 for an unknown name."""
    for part in parts_of(workflow):
        if part.slug == slug:
            return part
    raise Http404("The code has no such part.")


@require_safe
@staff_with(VIEW)
def deployments(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the workflow's last deployments, to staff who may view deployments."""
    workflow = get_object_or_404(Workflow.objects.only("name"), pk=pk)
    rows = list(summaries().filter(workflow_public_id=pk).order_by("-pk")[: _SHOWN + 1])
    context = {"workflow": workflow, "rows": rows[:_SHOWN], "has_more": len(rows) > _SHOWN}
    return page(request, "deployments/workflow/deployments", context)
