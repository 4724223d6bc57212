"""Duplicating, archiving and unarchiving a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor
from deployments.permissions import TAKE_DOWN
from deployments.presentation.live_workers import live_workers_of
from deployments.services.archive import archive as archive_workflow
from deployments.services.archive import unfinished_deployment
from targets.policy import Refused
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page
from workflows import lifecycle
from workflows.editing.new_documents import typed_name
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADD: Final = "workflows.add_workflow"
CHANGE: Final = "workflows.change_workflow"
VIEW: Final = "workflows.view_workflow"
ADD_VARIABLE: Final = "workflows.add_environmentvariable"
_DROPPED: Final = {"routes": "routes", "customDomains": "custom domains"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(VIEW)
@staff_with(ADD)
def duplicate(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for the name of the copy, then create it and open the editor."""
    workflow = get_object_or_404(Workflow, pk=pk)
    user = cast("User", request.user)
    may_copy = user.has_perm(ADD_VARIABLE)
    context: dict[str, Any] = {
        "workflow": workflow,
        "name": request.POST.get("name", ""),
        "variables": workflow.variables.count() if may_copy else 0,
        "may_copy": may_copy,
        "not_copied": [
            _DROPPED[key] for key in lifecycle.NOT_COPIED if workflow.deploy_settings.get(key)
        ],
    }
    if request.method != "POST":
        context["name"] = lifecycle.suggested_name(workflow)
        return page(request, "deployments/workflow/duplicate", context)
    name = typed_name(context["name"])
    if not name:
        return page(
            request, "deployments/workflow/duplicate", context | {"error": "Give the copy a name."}
        )
    copies = may_copy and "variables" in request.POST
    try:
        copy = lifecycle.duplicate(workflow, name=name, copy_variables=copies, by=user)
    except (InvalidIR, InvalidSettings, UnreadableSecret) as refused:
        error = f"Nothing was created. {capfirst(str(refused))}"
        return page(request, "deployments/workflow/duplicate", context | {"error": error})
    messages.success(request, f"{name} was created from {workflow.name}.")
    return redirect(copy.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CHANGE)
def archive(request: HttpRequest, pk: str) -> HttpResponse:
    """Explain archiving, and archive the workflow; while it is live, say how to take it down."""
    workflow = get_object_or_404(Workflow, pk=pk)
    context: dict[str, Any] = {
        "workflow": workflow,
        "workers": live_workers_of(workflow),
        "running": unfinished_deployment(workflow),
        "may_take_down": request.user.has_perm(TAKE_DOWN),
    }
    if request.method != "POST":
        return page(request, "deployments/workflow/archive", context)
    try:
        archive_workflow(workflow, by=Actor.of(request.user))
    except Refused as refused:
        return page(request, "deployments/workflow/archive", context | {"refusal": str(refused)})
    messages.success(request, f"{workflow.name} is archived.")
    return redirect("admin:workflows_workflow_changelist")


def _editor(_request: HttpRequest, pk: str) -> str:
    return reverse("admin:workflows_workflow_change", args=[pk])


@redirect_get_to(_editor)
@staff_with(CHANGE)
def unarchive(request: HttpRequest, pk: str) -> HttpResponse:
    """Bring an archived workflow back."""
    workflow = get_object_or_404(Workflow, pk=pk)
    lifecycle.unarchive(workflow, by=Actor.of(request.user))
    messages.success(request, f"{workflow.name} can be changed and deployed again.")
    return redirect(workflow.get_absolute_url())
