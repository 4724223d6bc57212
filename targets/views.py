"""The check of a target, outside its admin form."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from audit.trail import Actor
from targets.checks import target_checks
from targets.checks.check_state import CheckState
from targets.lookup import target_or_404
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET
from web.decorators import HttpRequest, redirect_get_to, staff_with

_MESSAGES = {
    CheckState.PASSED: (messages.success, "The target {target} was checked."),
    CheckState.FAILED: (
        messages.error,
        "The target {target} was checked: you cannot deploy to it yet.",
    ),
    CheckState.UNKNOWN: (
        messages.warning,
        "The target {target} could not be checked: try again in a minute.",
    ),
}


def _its_page(request: HttpRequest, pk: int) -> str:
    """Return the target's form, or its resources for users who may not open the form."""
    if request.user.has_perm(VIEW_TARGET) or request.user.has_perm(CHANGE_TARGET):
        return reverse("admin:targets_target_change", args=[pk])
    return reverse("deployments:target_resources", args=[pk])


@redirect_get_to(_its_page)
@staff_with(CHECK)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the target, and show the result on the page that asked for it."""
    target = target_checks.check(target_or_404(pk), by=Actor.of(request.user))
    if request.htmx:
        return render(request, "targets/_checks.html", {"target": target})
    add_message, text = _MESSAGES[target_checks.verdict(target)]
    add_message(request, text.format(target=target))
    return redirect(_its_page(request, target.pk))
