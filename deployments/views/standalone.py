"""Downloading a version as files for wrangler, and turning a graph into a project."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from deployments.services import standalone
from deployments.views.versions import VIEW_VERSIONS, found_version
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow

CHANGE: Final = "workflows.change_workflow"
VIEW: Final = "workflows.view_workflow"
_VIEW_VARIABLES: Final = "workflows.view_environmentvariable"


@require_safe
@staff_with(VIEW)
@staff_with(VIEW_VERSIONS)
def download(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    """Send a version as a zip file; variables are in it if the user may view them."""
    version = found_version(pk, number)
    has_values = request.user.has_perm(_VIEW_VARIABLES)
    try:
        made = standalone.download(version, has_values=has_values, by=Actor.of(request.user))
    except DeployError as refused:
        messages.error(request, f"Version {number} cannot be downloaded. {refused}")
        return redirect("deployments:version", pk, number)
    response = HttpResponse(made.data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.file_name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(VIEW)
@staff_with(CHANGE)
def eject(request: HttpRequest, pk: str) -> HttpResponse:
    """Explain what ejecting means and show the files, then turn the graph into a project."""
    workflow = get_object_or_404(Workflow, pk=pk)
    template, context = "deployments/workflow/eject", {"workflow": workflow}
    try:
        if request.method != "POST":
            return page(request, template, context | {"files": standalone.ejected_files(workflow)})
        standalone.eject(workflow, by=Actor.of(request.user))
    except InvalidIR as invalid:
        return page(request, template, context | {"refusals": list(map(str, invalid.problems))})
    except DeployError as refused:
        reasons = [str(each) for each in refused.as_findings()]
        return page(request, template, context | {"refusals": reasons})
    messages.success(request, f"{workflow.name} is a project now.")
    return redirect(workflow.get_absolute_url())
