"""Downloads of workflows."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from audit.trail import Actor
from web.decorators import HttpRequest, staff_with
from workflows.exchange.exports import Export, NotExported, export
from workflows.models import Workflow

VIEW: Final = "workflows.view_workflow"


@require_safe
@staff_with(VIEW)
def download(request: HttpRequest, pk: str) -> HttpResponse:
    """Send the draft as a zip file."""
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        return as_response(export([workflow], by=Actor.of(request.user)))
    except NotExported as refused:
        messages.error(request, str(refused))
        return redirect(workflow.get_absolute_url())


def as_response(exported: Export) -> HttpResponse:
    """Return a zip file as a download."""
    response = HttpResponse(exported.data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{exported.file_name}"'
    return response
