"""The deploy dialog: where to, what a deploy would meet and change, and the button that deploys.

Both answers come from the target and take a moment: the page is there at once and loads them as
fragments, or shows them when asked to, where there is no JavaScript.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from deployments.permissions import DEPLOY
from deployments.pipeline.check_report import Check
from deployments.pipeline.plan import Plan
from deployments.presentation.remediation import dialog_url
from deployments.services import deploy as services
from deployments.services import plan as forecast
from targets.cloudflare.errors import Cause, DeployError
from targets.confirmation import CONFIRMED_FIELD, confirmation_for, consent_of
from targets.lookup import NoTarget, default_target
from targets.models import Target
from targets.policy import Consent
from web.converters import read_key
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.models import Workflow, WorkflowVersion

Context = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(DEPLOY)
def deploy(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the dialog, or deploy the newest version to the target that is named (or the default)."""
    workflow = get_object_or_404(Workflow, pk=pk)
    target = _target(request)
    if request.method == "POST":
        return _deploy(request, workflow, target)
    return _dialog(request, workflow, target)


def _deploy(request: HttpRequest, workflow: Workflow, target: Target | None) -> HttpResponse:
    """A button that has asked for no consent leads to the dialog, where the target wants one."""
    has_asked = CONFIRMED_FIELD in request.POST
    if target and not has_asked and not confirmation_for(target, request.user).needs_nothing:
        return redirect(dialog_url(workflow.pk, target.pk))
    try:
        by, consent = Actor.of(request.user), consent_of(request.POST)
        made = services.request_deployment(workflow, target=target, by=by, consent=consent)
    except WorkflowVersion.DoesNotExist:
        refusal = "It has no version to deploy: save it once, then deploy."
    except DeployError as refused:
        refusal = str(refused)
    else:
        return redirect(made)
    return _dialog(request, workflow, target, refusal=refusal)


def _dialog(
    request: HttpRequest, workflow: Workflow, target: Target | None, *, refusal: str = ""
) -> HttpResponse:
    form = request.POST if request.method == "POST" else request.GET
    newest = _newest(workflow)
    context: Context = {
        "workflow": workflow,
        "target": target,
        "targets": _targets(),
        "confirmation": confirmation_for(target, request.user) if target else None,
        "newest": newest,
        "consent": consent_of(form),
        "reason": form.get("freeze_reason", ""),
        "refusal": refusal,
        "is_shown": "show" in form,
    }
    if target and newest and "show" in form:
        context |= _preflight(workflow, target) | _plan(workflow, target, consent_of(form))
    return page(request, "deployments/deploy_dialog/deploy_dialog", context)


@require_safe
@never_cache
@staff_with(DEPLOY)
def preflight(request: HttpRequest, pk: str) -> HttpResponse:
    """The dialog's checks, as a fragment."""
    workflow, target = _both(request, pk)
    context = _preflight(workflow, target) | {"consent": consent_of(request.GET)}
    context |= {"workflow": workflow, "target": target}
    return render(request, "deployments/deploy_dialog/_preflight.html", context)


@require_safe
@never_cache
@staff_with(DEPLOY)
def plan(request: HttpRequest, pk: str) -> HttpResponse:
    """The dialog's plan as a fragment, and with it the button, which says what would come of it."""
    workflow, target = _both(request, pk)
    context = _plan(workflow, target, consent_of(request.GET))
    context |= {"workflow": workflow, "target": target, "newest": _newest(workflow)}
    context |= {"confirmation": confirmation_for(target, request.user)}
    return render(request, "deployments/deploy_dialog/_plan_response.html", context)


def _newest(workflow: Workflow) -> int | None:
    return workflow.versions.values_list("number", flat=True).order_by("-number").first()


def _both(request: HttpRequest, pk: str) -> tuple[Workflow, Target]:
    workflow, target = get_object_or_404(Workflow, pk=pk), _target(request)
    if target is None or not workflow.versions.exists():
        raise Http404("There is nothing to deploy, or nowhere to deploy to.")
    return workflow, target


def _preflight(workflow: Workflow, target: Target) -> Context:
    found = forecast.preflight(workflow, target)
    return {"checks": found, "was_changed": _was_changed(found)}


def _was_changed(found: list[Check]) -> bool:
    """Whether somebody else changed the Worker, so that a deploy asks whether to undo that."""
    return any(one.cause is Cause.CHANGED for check in found for one in check.findings)


def _plan(workflow: Workflow, target: Target, consent: Consent) -> Context:
    found: Plan = forecast.plan(workflow, target, consent=consent)
    return {"plan": found}


def _target(request: HttpRequest) -> Target | None:
    """The target that is named, or the default; None where there is none."""
    form = request.POST if request.method == "POST" else request.GET
    asked = form.get("target", "")
    if not asked:
        return _default()
    return get_object_or_404(Target, pk=read_key(asked))


def _default() -> Target | None:
    try:
        return default_target()
    except NoTarget:
        return None


def _targets() -> list[Target]:
    """What can be chosen: without the embedded platform where it is off."""
    known = Target.objects.defer("api_token")
    if not settings.AWAITSTEP.offers_local_cloudflare:
        known = known.filter(embedded=False)
    return list(known)
