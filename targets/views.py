"""What is done with a target outside of its form: check it, look at its resources, use one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from audit.trail import Actor
from targets.checks import target_checks
from targets.checks.check_state import CheckState
from targets.models import Target
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET
from web.decorators import HttpRequest, redirect_get_to, staff_with

_TOLD = {
    CheckState.PASSED: (messages.success, "The target {target} was checked."),
    CheckState.FAILED: (
        messages.error,
        "The target {target} was checked: nothing can be deployed to it yet.",
    ),
    CheckState.UNKNOWN: (
        messages.warning,
        "The target {target} could not be checked now: try again in a minute.",
    ),
}


def _its_page(request: HttpRequest, pk: int) -> str:
    """The target's form, or its resources for people who may not open that."""
    if request.user.has_perm(VIEW_TARGET) or request.user.has_perm(CHANGE_TARGET):
        return reverse("admin:targets_target_change", args=[pk])
    return reverse("deployments:target_resources", args=[pk])


@redirect_get_to(_its_page)
@staff_with(CHECK)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the target, and show what it said where it was asked for."""
    target = target_checks.check(_target(pk), by=Actor.of(request.user))
    if request.htmx:
        return render(request, "targets/_checks.html", {"target": target})
    tell, words = _TOLD[target_checks.verdict(target)]
    tell(request, words.format(target=target))
    return redirect(_its_page(request, target.pk))


def _target(pk: int) -> Target:
    return get_object_or_404(Target.objects.defer("api_token"), pk=pk)
