"""The resources of a target: list them, create one, and use one for a variable."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.resources import resource_picker, services
from deployments.resources.forms import ResourceForm
from deployments.resources.resource_picker import ResourceChoice
from deployments.resources.services import KINDS, ResourceUsage
from targets.cloudflare.errors import DeployError
from targets.cloudflare.resources import Resource
from targets.models import Target
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page

SET_VARIABLE = "workflows.change_environmentvariable"
SHOWN = 100


def _target(pk: int) -> Target:
    return get_object_or_404(Target.objects.defer("api_token"), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(CHECK)
def resources(request: HttpRequest, pk: int) -> HttpResponse:
    """List the resources of a kind; a name that is posted is made a new one."""
    target, shown = _target(pk), resource_picker.read_choice(request.GET)
    form = ResourceForm(request.POST or None, kind=shown.kind)
    if request.method == "POST":
        if not request.user.has_perm(CHANGE_TARGET):
            raise PermissionDenied(CHANGE_TARGET)
        if made := _made(request, target, form):
            return _after(request, target, shown, made)
    return _page(request, target, shown, form)


def _made(request: HttpRequest, target: Target, form: ResourceForm) -> Resource | None:
    """Return the new resource; None where the form says what is wrong."""
    if not form.is_valid():
        return None
    name, by = form.cleaned_data["name"], Actor.of(request.user)
    try:
        return services.create(target, form.kind, name, by=by)
    except DeployError as refused:
        form.add_error("name", str(refused))
        return None


def _after(
    request: HttpRequest, target: Target, shown: ResourceChoice, made: Resource
) -> HttpResponse:
    messages.success(request, f"The {made.kind.label} {made.name} is there now.")
    if shown.variable and request.POST.get("then") == "use":
        return _use(request, target, shown, made)
    return redirect(resource_picker.picker_url(target, shown))


def _choice(request: HttpRequest, pk: int) -> str:
    query = request.GET.urlencode()
    url = reverse("deployments:target_resources", args=[pk])
    return f"{url}?{query}" if query else url


@redirect_get_to(_choice)
@staff_with(SET_VARIABLE)
def use(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a resource behind the name that the page was opened for."""
    target, shown = _target(pk), resource_picker.read_choice(request.GET)
    id_, name = request.POST.get("id", ""), request.POST.get("name", "")
    return _use(request, target, shown, Resource(kind=shown.kind, id=id_, name=name or id_))


def _use(
    request: HttpRequest, target: Target, shown: ResourceChoice, chosen: Resource
) -> HttpResponse:
    if not request.user.has_perm(SET_VARIABLE):
        raise PermissionDenied(SET_VARIABLE)
    if shown.workflow is None:
        return redirect(resource_picker.picker_url(target, shown))
    by = Actor.of(request.user)
    try:
        services.use(target, chosen, variable=shown.variable, workflow=shown.workflow, by=by)
    except (DeployError, ValidationError) as refused:
        told = " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
        messages.error(request, f"{shown.variable} was not set. {told}")
        return redirect(resource_picker.picker_url(target, shown))
    messages.success(
        request,
        f"{shown.variable} of {shown.workflow} is set: env.{shown.binding} will be the "
        f"{chosen.kind.label} {chosen.name}. It takes effect with the next deploy.",
    )
    return redirect(shown.back)


def _page(
    request: HttpRequest, target: Target, shown: ResourceChoice, form: ResourceForm
) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()
    context: dict[str, Any] = {
        "target": target,
        "shown": shown,
        "form": form,
        "q": wanted,
        "kinds": [(kind, urlencode({"kind": kind.value})) for kind in KINDS],
        "may_create": request.user.has_perm(CHANGE_TARGET),
        "may_use": bool(shown.variable) and request.user.has_perm(SET_VARIABLE),
        "may_view": request.user.has_perm(VIEW_TARGET) or request.user.has_perm(CHANGE_TARGET),
    }
    try:
        context |= _rows(services.list_resources(target, shown.kind), wanted)
    except DeployError as refused:
        context["refused"] = str(refused)
    return page(request, "deployments/resources", context)


def _rows(found: list[ResourceUsage], wanted: str) -> dict[str, Any]:
    """The first of those whose name or id holds what is looked for."""
    fitting = [
        one
        for one in found
        if wanted.lower() in one.resource.name.lower() or wanted in one.resource.id
    ]
    return {"rows": fitting[:SHOWN], "fitting": len(fitting), "total": len(found)}
