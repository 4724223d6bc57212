"""Approvals that runs wait for, and the decisions of those who may control runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from runs import presentation
from runs.detail import fetch
from runs.detail.event_form import form_of, read_form
from runs.detail.run_page import open_steps
from runs.detail.summary import OpenStep
from runs.models import Run
from runs.permissions import CONTROL
from runs.services import approvals
from runs.services.approvals import CLOSED, Approval, Decision
from runs.services.control import Refused
from runs.views.control import show_sent
from runs.views.runs import page, viewable_runs
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from web.forms.text_area import with_line_feeds

_APPROVE = "approve"
_SENT = {True: "An approval was sent to the run", False: "A rejection was sent to the run"}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CONTROL)
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an approval with its form, or send the decision; after an error the input is kept."""
    run = get_object_or_404(viewable_runs(), pk=pk)
    data = request.POST if request.method == "POST" else request.GET
    wait = _wait(run, data.get("event", ""))
    if wait is None or wait.approval is None:
        return _closed(request, run)
    context: dict[str, Any] = {"run": run, "wait": _filled(wait, data)}
    context |= {name: data.get(name, "") for name in ("comment", "next")}
    if request.method != "POST":
        return page(request, "runs/run/decide", context)
    try:
        decision = _decision(wait.approval, data)
        result = approvals.decide(
            run, wait.approval.event_type, decision, by=Actor.of(request.user)
        )
    except DeployError as error:
        context |= presentation.refusal_context(error, "sent")
        return page(request, "runs/run/decide", context)
    return show_sent(request, result, _SENT[decision.is_approved], next_page=context["next"])


def _wait(run: Run, event_type: str) -> OpenStep | None:
    """Return the wait for a decision; None if the run does not wait for it."""
    found = open_steps(run, fetch.fetch_run(run))
    return next(
        (each for each in found if each.approval and each.approval.event_type == event_type), None
    )


def _closed(request: HttpRequest, run: Run) -> HttpResponse:
    if request.htmx:
        context = {"run": run, **presentation.refusal_context(Refused(CLOSED), "sent")}
        return page(request, "runs/run/decide", context)
    messages.error(request, CLOSED)
    return redirect(run)


def _filled(wait: OpenStep, data: Mapping[str, str]) -> OpenStep:
    """Return the wait with what has been entered into its form."""
    if wait.form is None:
        return wait
    fields = (
        replace(field, initial=data.get(field.id, field.initial)) for field in wait.form.fields
    )
    return replace(wait, form=replace(wait.form, fields=tuple(fields)))


def _decision(approval: Approval, data: Mapping[str, str]) -> Decision:
    """Return what was decided. Raises Refused, which names the field."""
    if data.get("decision") not in (_APPROVE, "reject"):
        raise Refused("Choose to approve or to reject. Nothing was sent.")
    is_approved = data["decision"] == _APPROVE
    form = form_of(approval.schema(is_approved=is_approved))
    fields = read_form(form, data) if form else {}
    comment = with_line_feeds(data.get("comment", "")).strip()
    return Decision(is_approved=is_approved, fields=fields, comment=comment)
