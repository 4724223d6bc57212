"""The resources of a target: list them, create one, use one for a variable."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.resources import resource_picker, services
from deployments.resources.forms import ResourceForm
from deployments.resources.resource_picker import ResourceChoice
from deployments.resources.services import KINDS, ResourceUsage
from targets.cloudflare.errors import DeployError
from targets.cloudflare.resources import Resource
from targets.lookup import target_or_404
from targets.models import Target
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page

SET_VARIABLE = "workflows.change_environmentvariable"
SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CHECK)
def resources(request: HttpRequest, pk: int) -> HttpResponse:
    """List the resources of a kind, or create one."""
    target, choice = target_or_404(pk), resource_picker.read_choice(request.GET)
    form = ResourceForm(request.POST or None, kind=choice.kind)
    if request.method == "POST":
        if not request.user.has_perm(CHANGE_TARGET):
            raise PermissionDenied(CHANGE_TARGET)
        if resource := _create(request, target, form):
            return _redirect(request, target, choice, resource)
    return _page(request, target, choice, form)


def _create(request: HttpRequest, target: Target, form: ResourceForm) -> Resource | None:
    """Return the new resource; None if the form has errors."""
    if not form.is_valid():
        return None
    name, by = form.cleaned_data["name"], Actor.of(request.user)
    try:
        return services.create(target, form.kind, name, by=by)
    except DeployError as refused:
        form.add_error("name", str(refused))
        return None


def _redirect(
    request: HttpRequest, target: Target, choice: ResourceChoice, resource: Resource
) -> HttpResponse:
    messages.success(request, f"The {resource.kind.label} {resource.name} was created.")
    if choice.variable and request.POST.get("then") == "use":
        return _use(request, target, choice, resource)
    return redirect(resource_picker.picker_url(target, choice))


def _picker_page(request: HttpRequest, pk: int) -> str:
    query = request.GET.urlencode()
    url = reverse("deployments:target_resources", args=[pk])
    return f"{url}?{query}" if query else url


@redirect_get_to(_picker_page)
@staff_with(SET_VARIABLE)
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Use a resource for the variable that the page was opened for."""
    target, choice = target_or_404(pk), resource_picker.read_choice(request.GET)
    id_, name = request.POST.get("id", ""), request.POST.get("name", "")
    return _use(request, target, choice, Resource(kind=choice.kind, id=id_, name=name or id_))


def _use(
    request: HttpRequest, target: Target, choice: ResourceChoice, chosen: Resource
) -> HttpResponse:
    if not request.user.has_perm(SET_VARIABLE):
        raise PermissionDenied(SET_VARIABLE)
    if choice.workflow is None:
        return redirect(resource_picker.picker_url(target, choice))
    by = Actor.of(request.user)
    try:
        services.use(target, chosen, variable=choice.variable, workflow=choice.workflow, by=by)
    except (DeployError, ValidationError) as refused:
        reason = (
            " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
        )
        messages.error(request, f"{choice.variable} was not set. {reason}")
        return redirect(resource_picker.picker_url(target, choice))
    messages.success(
        request,
        f"{choice.variable} of {choice.workflow} is set: env.{choice.binding} will be the "
        f"{chosen.kind.label} {chosen.name}. It takes effect with the next deploy.",
    )
    return redirect(choice.back)


def _page(
    request: HttpRequest, target: Target, choice: ResourceChoice, form: ResourceForm
) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    context: dict[str, Any] = {
        "target": target,
        "shown": choice,
        "form": form,
        "q": query,
        "kinds": [(kind, urlencode({"kind": kind.value})) for kind in KINDS],
        "may_create": request.user.has_perm(CHANGE_TARGET),
        "may_use": bool(choice.variable) and request.user.has_perm(SET_VARIABLE),
        "may_view": request.user.has_perm(VIEW_TARGET) or request.user.has_perm(CHANGE_TARGET),
    }
    try:
        context |= _rows(services.list_resources(target, choice.kind), query)
    except DeployError as refused:
        context["refused"] = str(refused)
    return page(request, "deployments/resources", context)


def _rows(usages: list[ResourceUsage], query: str) -> dict[str, Any]:
    """Return the first resources whose name or id contains the query."""
    matching = [
        usage
        for usage in usages
        if query.lower() in usage.resource.name.lower() or query in usage.resource.id
    ]
    return {"rows": matching[:SHOWN], "matching": len(matching), "total": len(usages)}
