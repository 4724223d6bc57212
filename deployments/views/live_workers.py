"""A workflow's *Live* page, and the actions on its Workers."""

from __future__ import annotations

from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
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
@staff_with(VIEW)
def live(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the workflow's Workers and one of them, to staff who may view deployments."""
    workflow = get_object_or_404(Workflow, pk=pk)
    workers = workers_of(workflow)
    shown = _shown(workers, request)
    context = {
        "workflow": workflow,
        "workers": workers,
        "worker": shown,
        "rollbacks": rollbacks(shown) if shown else [],
        "may_deploy": request.user.has_perm(DEPLOY),
        "may_check": request.user.has_perm(CHECK),
        "may_take_down": request.user.has_perm(TAKE_DOWN),
    }
    return page(request, "deployments/live/live", context)


def _shown(workers: list[Worker], request: HttpRequest) -> Worker | None:
    """Return the Worker on the requested target, or the first live one."""
    target = request.GET.get("target", "")
    if not target:
        return next((worker for worker in workers if worker.live), workers[0] if workers else None)
    for worker in workers:
        if str(worker.target.pk) == target:
            return worker
    raise Http404("The workflow was never deployed to that target.")


def _worker(request: HttpRequest, pk: str) -> tuple[Workflow, Worker]:
    """Return the workflow, and its Worker on the target in the form or the URL."""
    workflow = get_object_or_404(Workflow, pk=pk)
    key = request.POST.get("target") or request.GET.get("target", "")
    return workflow, worker_on(workflow, get_object_or_404(Target, pk=read_key(key)))


def _live_page(request: HttpRequest, pk: str) -> str:
    """Return the URL of the page, with the target in the query."""
    url, target = reverse("deployments:live", args=[pk]), request.GET.get("target")
    return f"{url}?{urlencode({'target': target})}" if target else url


def _requires_target(view: View) -> View:
    """Redirect to the page where a target is chosen, if the URL names none."""

    @wraps(view)
    def wrapped(request: HttpRequest, pk: str) -> HttpResponse:
        if request.method != "POST" and not request.GET.get("target"):
            return redirect("deployments:live", pk=pk)
        return view(request, pk)

    return wrapped


def _back(workflow: Workflow, worker: Worker) -> HttpResponse:
    url = reverse("deployments:live", args=[workflow.pk])
    return redirect(f"{url}?{urlencode({'target': worker.target.pk})}")


@redirect_get_to(_live_page)
@staff_with(CHECK)
def check(request: HttpRequest, pk: str) -> HttpResponse:
    """Check for drift now."""
    workflow, worker = _worker(request, pk)
    if worker.running:
        text = f"#{worker.running.pk} is changing the Worker: check again when it has ended."
        messages.warning(request, text)
        return _back(workflow, worker)
    drift_check = drift.check(workflow, worker.target)
    if drift_check.state == DriftState.UNKNOWN:
        messages.warning(request, f"The check failed. {drift_check.message}")
    else:
        text = f"{worker.target.name} was checked: {drift_check.get_state_display().lower()}."
        messages.success(request, text)
    return _back(workflow, worker)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(DEPLOY)
@_requires_target
def adopt(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for confirmation, then adopt the drift; a newer check must be confirmed again."""
    workflow, worker = _worker(request, pk)
    drift_check = worker.drift_check
    refusal = drift.objection(drift_check) if drift_check else drift.NO_DRIFT
    if refusal or drift_check is None:
        messages.error(request, refusal)
        return _back(workflow, worker)
    seen = str(drift_check.checked_at)
    if request.POST.get("seen") != seen:
        context = {"workflow": workflow, "worker": worker, "seen": seen}
        return page(request, "deployments/live/adopt", context)
    drift.adopt(drift_check, by=Actor.of(request.user))
    messages.success(request, "Adopted. The current state is expected until the next deploy.")
    return _back(workflow, worker)


@require_safe
@staff_with(VIEW)
@_requires_target
def secrets(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the unused secrets, as a fragment or, without JavaScript, as a page."""
    workflow, worker = _worker(request, pk)
    context: dict[str, Any] = {"workflow": workflow, "worker": worker}
    context["may_deploy"] = request.user.has_perm(DEPLOY)
    try:
        context["unused_secrets"] = unused_secrets(worker)
    except DeployError as refused:
        context["refusal"] = str(refused)
    return live_page(request, "deployments/live/secrets", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(DEPLOY)
@_requires_target
def delete_secrets(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for confirmation, then request the deletion."""
    workflow, worker = _worker(request, pk)
    form = request.POST if request.method == "POST" else request.GET
    try:
        names = deletable_secrets(worker, form.getlist("secret"))
    except DeployError as refused:
        messages.error(request, str(refused))
        return _back(workflow, worker)
    context = _confirmation_context(request, workflow, worker) | {"names": names}
    if request.method != "POST":
        return page(request, "deployments/live/delete_secrets", context)
    by, consent = Actor.of(request.user), consent_of(request.POST)
    try:
        deployment = control.delete_secrets(workflow, worker.target, names, by=by, consent=consent)
    except DeployError as refused:
        return page(request, "deployments/live/delete_secrets", context | {"refusal": str(refused)})
    return redirect(deployment)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(TAKE_DOWN)
@_requires_target
def take_down(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for the workflow's name, then request the takedown."""
    workflow, worker = _worker(request, pk)
    context = _confirmation_context(request, workflow, worker)
    if request.method != "POST":
        return page(request, "deployments/live/take_down", context)
    try:
        deployment = _take_down(request, workflow, worker)
    except DeployError as refused:
        return page(request, "deployments/live/take_down", context | {"refusal": str(refused)})
    return redirect(deployment)


def _take_down(request: HttpRequest, workflow: Workflow, worker: Worker) -> Any:
    by, consent = Actor.of(request.user), consent_of(request.POST)
    if consent.name.strip() != workflow.name:
        raise Refused(f"Type the workflow's name, {workflow.name}, to confirm.")
    reason = request.POST.get("reason", "").strip()
    return control.take_down(workflow, worker.target, by=by, reason=reason, consent=consent)


def _confirmation_context(
    request: HttpRequest, workflow: Workflow, worker: Worker
) -> dict[str, Any]:
    """Return the context of a page that asks for confirmation."""
    return {
        "workflow": workflow,
        "worker": worker,
        "confirmation": confirmation_for(worker.target, request.user),
        "consent": consent_of(request.POST),
        "reason": request.POST.get("reason", ""),
    }
