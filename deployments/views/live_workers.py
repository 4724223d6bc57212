"""The page of what is live of a workflow, and what can be done about it there."""

from __future__ import annotations

from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from deployments import drift
from deployments.models import DriftState
from deployments.permissions import DEPLOY, TAKE_DOWN, VIEW
from deployments.presentation.live_workers import (
    Worker,
    deletable_secrets,
    rollbacks,
    unused_secrets,
    worker_on,
    workers_of,
)
from deployments.services import control
from targets.cloudflare.errors import DeployError
from targets.confirmation import confirmation_for, consent_of
from targets.models import Target
from targets.permissions import CHECK
from targets.policy import Refused
from web.converters import read_key
from web.decorators import HttpRequest, View, redirect_get_to, staff_with
from web.rendering import live_page, page
from workflows.models import Workflow


@require_safe
@never_cache
@staff_with(VIEW)
def live(request: HttpRequest, pk: str) -> HttpResponse:
    workflow = get_object_or_404(Workflow, pk=pk)
    there = workers_of(workflow)
    shown = _shown(there, request)
    context = {
        "workflow": workflow,
        "workers": there,
        "worker": shown,
        "rollbacks": rollbacks(shown) if shown else [],
        "may_deploy": request.user.has_perm(DEPLOY),
        "may_check": request.user.has_perm(CHECK),
        "may_take_down": request.user.has_perm(TAKE_DOWN),
    }
    return page(request, "deployments/live/live", context)


def _shown(there: list[Worker], request: HttpRequest) -> Worker | None:
    """Return the place that is asked for, or the first where something is live."""
    asked = request.GET.get("target", "")
    if not asked:
        return next((one for one in there if one.live), there[0] if there else None)
    found = next((one for one in there if str(one.target.pk) == asked), None)
    if found is None:
        raise Http404("It was never deployed to that target.")
    return found


def _place(request: HttpRequest, pk: str) -> tuple[Workflow, Worker]:
    """Return the workflow and the place that a form or an address names."""
    workflow = get_object_or_404(Workflow, pk=pk)
    asked = request.POST.get("target") or request.GET.get("target", "")
    return workflow, worker_on(workflow, get_object_or_404(Target, pk=read_key(asked)))


def _live_page(request: HttpRequest, pk: str) -> str:
    """The page of what is live, at the target that the address names."""
    url, asked = reverse("deployments:live", args=[pk]), request.GET.get("target")
    return f"{url}?{urlencode({'target': asked})}" if asked else url


def _at_a_target(view: View) -> View:
    """An address that names no target leads to the page where one is chosen."""

    @wraps(view)
    def led(request: HttpRequest, pk: str) -> HttpResponse:
        if request.method != "POST" and not request.GET.get("target"):
            return redirect("deployments:live", pk=pk)
        return view(request, pk)

    return led


def _back(workflow: Workflow, one: Worker) -> HttpResponse:
    url = reverse("deployments:live", args=[workflow.pk])
    return redirect(f"{url}?{urlencode({'target': one.target.pk})}")


@redirect_get_to(_live_page)
@staff_with(CHECK)
def check(request: HttpRequest, pk: str) -> HttpResponse:
    """Compare what is there with the record, now."""
    workflow, one = _place(request, pk)
    if one.running:
        said = f"#{one.running.pk} changes what is there: compare again when it has ended."
        messages.warning(request, said)
        return _back(workflow, one)
    drift_check = drift.check(workflow, one.target)
    if drift_check.state == DriftState.UNKNOWN:
        messages.warning(request, f"Nothing could be compared. {drift_check.message}")
    else:
        said = f"{one.target.name} was looked at: {drift_check.get_state_display().lower()}."
        messages.success(request, said)
    return _back(workflow, one)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(DEPLOY)
@_at_a_target
def adopt(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask, then take over what is there as what is meant; what was found anew is asked about anew."""
    workflow, one = _place(request, pk)
    drift_check = one.drift_check
    refusal = drift.objection(drift_check) if drift_check else drift.NO_DRIFT
    if refusal or drift_check is None:
        messages.error(request, refusal)
        return _back(workflow, one)
    seen = str(drift_check.checked_at)
    if request.POST.get("seen") != seen:
        context = {"workflow": workflow, "worker": one, "seen": seen}
        return page(request, "deployments/live/adopt", context)
    drift.adopt(drift_check, by=Actor.of(request.user))
    messages.success(request, "Adopted. What is there counts as meant until the next deploy.")
    return _back(workflow, one)


@require_safe
@never_cache
@staff_with(VIEW)
@_at_a_target
def secrets(request: HttpRequest, pk: str) -> HttpResponse:
    """The secrets that no variable sets any more: a part of the page, or a page without JavaScript."""
    workflow, one = _place(request, pk)
    context: dict[str, Any] = {"workflow": workflow, "worker": one}
    context["may_deploy"] = request.user.has_perm(DEPLOY)
    try:
        context["unused_secrets"] = unused_secrets(one)
    except DeployError as refused:
        context["refusal"] = str(refused)
    return live_page(request, "deployments/live/secrets", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(DEPLOY)
@_at_a_target
def delete_secrets(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask with the names, then delete them."""
    workflow, one = _place(request, pk)
    asked = request.POST if request.method == "POST" else request.GET
    try:
        names = deletable_secrets(one, asked.getlist("secret"))
    except DeployError as refused:
        messages.error(request, str(refused))
        return _back(workflow, one)
    context = _asking(request, workflow, one) | {"names": names}
    if request.method != "POST":
        return page(request, "deployments/live/delete_secrets", context)
    by, consent = Actor.of(request.user), consent_of(request.POST)
    try:
        made = control.delete_secrets(workflow, one.target, names, by=by, consent=consent)
    except DeployError as refused:
        return page(request, "deployments/live/delete_secrets", context | {"refusal": str(refused)})
    return redirect(made)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(TAKE_DOWN)
@_at_a_target
def take_down(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for the workflow's name, then remove the Worker and all that leads to it."""
    workflow, one = _place(request, pk)
    context = _asking(request, workflow, one)
    if request.method != "POST":
        return page(request, "deployments/live/take_down", context)
    try:
        made = _taken_down(request, workflow, one)
    except DeployError as refused:
        return page(request, "deployments/live/take_down", context | {"refusal": str(refused)})
    return redirect(made)


def _taken_down(request: HttpRequest, workflow: Workflow, one: Worker) -> Any:
    by, consent = Actor.of(request.user), consent_of(request.POST)
    if consent.name.strip() != workflow.name:
        raise Refused(f"Type the workflow's name, {workflow.name}, to confirm.")
    reason = request.POST.get("reason", "").strip()
    return control.take_down(workflow, one.target, by=by, reason=reason, consent=consent)


def _asking(request: HttpRequest, workflow: Workflow, one: Worker) -> dict[str, Any]:
    """What a page needs that asks before it changes something at a target."""
    return {
        "workflow": workflow,
        "worker": one,
        "confirmation": confirmation_for(one.target, request.user),
        "consent": consent_of(request.POST),
        "reason": request.POST.get("reason", ""),
    }
