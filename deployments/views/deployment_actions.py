"""What is done with a deployment from its page: cancel, roll back, retry, deploy its snapshot anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import CANCEL, DEPLOY, ROLL_BACK
from deployments.pipeline.stages import UNFINISHED, Status
from deployments.services import control, deploy
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import PartKind, parse_triggers
from targets.confirmation import CONFIRMED_FIELD, confirmation_for, consent_of
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import CHANGED, page

"""The event by which an open page hears that it has something new to fetch."""

Context = dict[str, Any]


def _its_page(_request: HttpRequest, pk: int) -> str:
    return reverse("deployments:deployment", args=[pk])


@redirect_get_to(_its_page)
@staff_with(CANCEL)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """End the deployment; asked twice, or after its end, it says how things stand."""
    deployment = get_object_or_404(Deployment, pk=pk)
    status = control.cancel(deployment, by=Actor.of(request.user))
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    messages.info(request, _cancelled(deployment, status))
    return redirect(deployment)


def _cancelled(deployment: Deployment, status: Status) -> str:
    if not status.is_final:
        return f"Deployment #{deployment.pk} is being cancelled: it ends within seconds."
    return f"Deployment #{deployment.pk} has ended: {status.label.lower()}."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(ROLL_BACK)
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what going back to this deployment brings back and what not; then do it."""
    to = _about(pk)
    if request.method != "POST":
        return page(request, "deployments/deployment/rollback", _rollback(request, to))
    try:
        made = control.roll_back(
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
    return redirect(made)


def _rollback(request: HttpRequest, to: Deployment) -> Context:
    mine = records.of_worker(to.workflow_public_id, to.target_id)
    unfinished = mine.filter(status__in=UNFINISHED)
    live = records.live(to.workflow_public_id, to.target_id)
    gone = records.taken_down_since(to)
    return {
        "to": to,
        "can": _can(to) and not gone,
        "gone": gone,
        "live": live,
        "is_live": bool(live and live.version_id == to.version_id),
        "in_the_way": list(unfinished.only("version_number", "action", "about", "status")),
        "triggers": _leading(to),
        "may_deploy": request.user.has_perm(DEPLOY),
        **_asking(request, to),
    }


def _can(to: Deployment) -> bool:
    return bool(to.workflow_id and to.target_id and to.can_be_rolled_back_to)


def _leading(to: Deployment) -> list[tuple[str, str, str]]:
    """Rows of what led to the Worker then: the kind in words, the name, and how it was set."""
    words = parse_triggers(json.loads(to.wrangler_json or "{}")).descriptions()
    return [
        (part.kind.label, part.name, said)
        for part, said in words.items()
        if part.kind is not PartKind.CODE
    ]


@redirect_get_to(_its_page)
@staff_with(DEPLOY)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try the failed parts of the deployment again."""
    return _again(request, _about(pk), control.retry_failed, name="retry")


@redirect_get_to(_its_page)
@staff_with(DEPLOY)
def redeploy(request: HttpRequest, pk: int) -> HttpResponse:
    """Deploy what the deployment was made of, with the variables and secrets of now."""
    return _again(request, _about(pk), deploy.request_snapshot, name="redeploy")


def _again(
    request: HttpRequest, about: Deployment, make: Callable[..., Deployment], *, name: str
) -> HttpResponse:
    """Do it at once; where the target's rules ask for more than a button, ask for it first."""
    context: Context = {"about": about, "what": name, **_asking(request, about)}
    asks = bool(context["confirmation"] and not context["confirmation"].needs_nothing)
    if asks and CONFIRMED_FIELD not in request.POST:
        return page(request, "deployments/deployment/confirm", context)
    try:
        made = make(about, by=Actor.of(request.user), consent=consent_of(request.POST))
    except DeployError as refused:
        if asks:
            return page(
                request, "deployments/deployment/confirm", context | {"refusal": str(refused)}
            )
        messages.error(request, str(refused))
        return redirect(about)
    return redirect(made)


def _asking(request: HttpRequest, about: Deployment) -> Context:
    """What the inputs for a consent are made of."""
    return {
        "confirmation": confirmation_for(about.target, request.user) if about.target else None,
        "workflow": about.workflow,
        "consent": consent_of(request.POST),
        "typed_reason": request.POST.get("reason", ""),
    }


def _about(pk: int) -> Deployment:
    known = Deployment.objects.select_related("workflow", "target").defer("target__api_token")
    return get_object_or_404(known, pk=pk)
