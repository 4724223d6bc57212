"""What is done with one run from its page: each change asks first where something is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from runs import presentation
from runs.detail import fetch
from runs.detail.event_form import form_of, read_form
from runs.models import Run
from runs.permissions import CONTROL, TRIGGER
from runs.services import control, event_schemas, payloads
from runs.services.control import Answered, Refused
from runs.steps.step_reader import read_steps
from runs.views.runs import known_runs, page
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from web.rendering import CHANGED

_MOST_STEPS: Final = 300


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(CONTROL)
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do it, or ask first; what does not fit the run's state is told and not sent."""
    if action not in control.ACTIONS:
        raise Http404("A run knows no such action.")
    run = get_object_or_404(known_runs(), pk=pk)
    if action not in presentation.actions_of(run):
        messages.error(request, _unfit(run, action))
        return redirect(run)
    if request.method != "POST":
        return page(request, "runs/run/change", _asking(run, action, request.GET.get("from", "")))
    reason, step = (request.POST.get(name, "").strip() for name in ("reason", "from"))
    by = Actor.of(request.user)
    try:
        control.change(run, action, by=by, reason=reason, from_step=step)
    except DeployError as refused:
        told = presentation.refusal(refused, "changed") | {"reason": reason}
        return page(request, "runs/run/change", _asking(run, action, step) | told)
    messages.success(request, f"{run.instance_id} {presentation.ACTION_DONE[action]}.")
    return redirect(run)


def _unfit(run: Run, action: str) -> str:
    if run.gone_at:
        return f"Nothing was changed: the target keeps {run.instance_id} no more."
    state = run.status_label.lower()
    return f"Nothing was changed: a run that is {state} cannot be told to {action}."


def _asking(run: Run, action: str, step: str) -> dict[str, Any]:
    names = _step_names(run) if action == "restart" else []
    if step in names[_MOST_STEPS:]:
        names.insert(0, step)
    names = names[:_MOST_STEPS]
    return {
        "run": run,
        "action": action,
        "word": presentation.ACTION_WORDS[action],
        "steps": names,
        "from_step": step if step in names else "",
    }


def _step_names(run: Run) -> list[str]:
    """Return the names of the steps that a restart may begin at."""
    told = fetch.read(run).told or {}
    named = (step.restart_name for step in read_steps(told, is_over=True))
    return [name for name in dict.fromkeys(named) if name]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(TRIGGER)
def send_event(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an event to the run; what was typed is still there when it is refused."""
    run = get_object_or_404(known_runs(), pk=pk)
    typed = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {"run": run, "type": typed.get("type") or run.waits_for}
    context |= {name: typed.get(name, "") for name in ("payload", "reason", "next")}
    context["payload"] = context["payload"] or _typed(run, typed)
    if request.method != "POST":
        return page(request, "runs/run/send_event", context)
    try:
        sent = _send(run, request)
    except DeployError as refused:
        return page(request, "runs/run/send_event", context | presentation.refusal(refused, "sent"))
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    level = messages.WARNING if sent.note else messages.SUCCESS
    told = f"{context['type']} was sent to {run.instance_id}. {sent.note}"
    messages.add_message(request, level, told.rstrip())
    return redirect("runs:waiting") if context["next"] == "waiting" else redirect(run)


def _send(run: Run, request: HttpRequest) -> Answered:
    event_type = request.POST.get("type", "").strip()
    if not event_type:
        raise Refused("Say which event: its type is missing. Nothing was sent.")
    if not run.is_open:
        raise Refused(
            f"The run is {run.status_label.lower()}: it takes no event. Nothing was sent."
        )
    reason, by = request.POST.get("reason", "").strip(), Actor.of(request.user)
    return control.send_event(run, event_type, _answer(run, request.POST), by=by, reason=reason)


def _typed(run: Run, posted: Mapping[str, str]) -> str:
    """Return what was chosen or filled in as JSON, for the page that tells of its refusal."""
    try:
        answer = _answer(run, posted)
    except DeployError:
        return ""
    return payloads.pretty(answer) if answer else ""


def _answer(run: Run, posted: Mapping[str, str]) -> Any:
    """Return what was chosen, filled in or written, by the button that was pressed."""
    if not (key := posted.get("form", "")):
        return payloads.read_payload(posted.get("answer") or posted.get("payload", ""))
    form = form_of(event_schemas.schema_of(run, key))
    if form is None:
        raise Refused("The run's code takes other answers by now. Nothing was sent.")
    return read_form(form, posted)
