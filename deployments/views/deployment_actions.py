"""The actions on a deployment's page: cancel, roll back, retry and redeploy its snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import CANCEL, DEPLOY, ROLL_BACK
from deployments.pipeline.stages import UNFINISHED, Status
from deployments.services import control, deploy
from deployments.services.rollback_check import SecretsForecast, forecast_secrets
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import PartKind, parse_triggers
from targets.confirmation import CONFIRMED_FIELD, confirmation_for, consent_of
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import CHANGED, page

Context = dict[str, Any]


def _deployment_page(_request: HttpRequest, pk: int) -> str:
    return reverse("deployments:deployment", args=[pk])


@redirect_get_to(_deployment_page)
@staff_with(CANCEL)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the deployment, or report its status if it has ended or is being cancelled."""
    deployment = get_object_or_404(Deployment, pk=pk)
    status = control.cancel(deployment, by=Actor.of(request.user))
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    messages.info(request, _cancel_message(deployment, status))
    return redirect(deployment)


def _cancel_message(deployment: Deployment, status: Status) -> str:
    if not status.is_final:
        return f"Deployment #{deployment.pk} is being cancelled. It will end within seconds."
    return f"Deployment #{deployment.pk} has ended: {status.label.lower()}."


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(ROLL_BACK)
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a rollback would restore and what not, then request it."""
    to = _get_deployment(pk)
    if request.method != "POST":
        return page(request, "deployments/deployment/rollback", _rollback(request, to))
    try:
        rollback = control.roll_back(
            to,
            by=Actor.of(request.user),
            reason=request.POST.get("reason", "").strip(),
            consent=consent_of(request.POST),
        )
    except DeployError as refused:
        return page(
            request,
            "deployments/deployment/rollback",
            _rollback(request, to) | {"refusal": str(refused)},
        )
    return redirect(rollback)


def _rollback(request: HttpRequest, to: Deployment) -> Context:
    same_worker = records.of_worker(to.workflow_public_id, to.target_id)
    unfinished = same_worker.filter(status__in=UNFINISHED)
    live = records.live(to.workflow_public_id, to.target_id)
    takedown = records.taken_down_since(to)
    can_roll_back = _can_roll_back(to) and not takedown
    secrets = forecast_secrets(to) if can_roll_back else SecretsForecast()
    return {
        "to": to,
        "can_roll_back": can_roll_back and not secrets.changes,
        "secrets": secrets,
        "takedown": takedown,
        "live": live,
        "is_live": bool(live and live.version_id == to.version_id),
        "unfinished": list(unfinished.only("version_number", "action", "about", "status")),
        "triggers": _triggers(to),
        "may_deploy": request.user.has_perm(DEPLOY),
        **_consent_context(request, to),
    }


def _can_roll_back(to: Deployment) -> bool:
    return bool(to.workflow_id and to.target_id and to.can_be_rolled_back_to)


def _triggers(to: Deployment) -> list[tuple[str, str, str]]:
    """Return rows for the triggers at that time: kind, name and configuration."""
    words = parse_triggers(json.loads(to.wrangler_json or "{}")).descriptions()
    return [
        (part.kind.label, part.name, description)
        for part, description in words.items()
        if part.kind is not PartKind.CODE
    ]


@redirect_get_to(_deployment_page)
@staff_with(DEPLOY)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Retry the failed parts of the deployment."""
    return _request_action(request, _get_deployment(pk), control.retry_failed, name="retry")


@redirect_get_to(_deployment_page)
@staff_with(DEPLOY)
def redeploy(request: HttpRequest, pk: int) -> HttpResponse:
    """Redeploy the snapshot with the current variables and secrets."""
    return _request_action(request, _get_deployment(pk), deploy.request_snapshot, name="redeploy")


def _request_action(
    request: HttpRequest,
    about: Deployment,
    request_deployment: Callable[..., Deployment],
    *,
    name: str,
) -> HttpResponse:
    """Request the action, first asking for the confirmation that the target may require."""
    context: Context = {"about": about, "what": name, **_consent_context(request, about)}
    must_confirm = bool(context["confirmation"] and not context["confirmation"].needs_nothing)
    if must_confirm and CONFIRMED_FIELD not in request.POST:
        return page(request, "deployments/deployment/confirm", context)
    try:
        deployment = request_deployment(
            about, by=Actor.of(request.user), consent=consent_of(request.POST)
        )
    except DeployError as refused:
        if must_confirm:
            return page(
                request, "deployments/deployment/confirm", context | {"refusal": str(refused)}
            )
        messages.error(request, str(refused))
        return redirect(about)
    return redirect(deployment)


def _consent_context(request: HttpRequest, about: Deployment) -> Context:
    """Return the context of the confirmation inputs."""
    return {
        "confirmation": confirmation_for(about.target, request.user) if about.target else None,
        "workflow": about.workflow,
        "consent": consent_of(request.POST),
        "typed_reason": request.POST.get("reason", ""),
    }


def _get_deployment(pk: int) -> Deployment:
    deployments = Deployment.objects.select_related("workflow", "target").defer("target__api_token")
    return get_object_or_404(deployments, pk=pk)
