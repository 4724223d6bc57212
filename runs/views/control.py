"""Controlling a run and sending it events. Destructive actions ask for confirmation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from runs import presentation
from runs.detail import fetch
from runs.detail.event_form import form_of, read_form
from runs.models import Run
from runs.permissions import CONTROL, MAY_ACT, TRIGGER
from runs.services import control, event_schemas, failed_runs, payloads
from runs.services.control import EventResult, Refused
from runs.steps.rollbacks import rollbacks_of
from runs.steps.start_points import StartPoint
from runs.steps.step_nodes import document_of
from runs.steps.step_reader import Step, read_steps
from runs.views.runs import form_page, page, viewable_runs
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import CHANGED, MESSAGE

_MAX_STEPS: Final = 300
_MAX_PAYLOAD: Final = 200  # characters of it in a message
_ROLLED_BACK: Final = "is being terminated: its rollbacks run first"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CONTROL)
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Show the confirmation, or change the run; an action that its status forbids is not sent."""
    if action not in control.ACTIONS:
        raise Http404("There is no such action.")
    run = get_object_or_404(viewable_runs(), pk=pk)
    if action not in presentation.available_actions(run):
        messages.error(request, _unavailable(run, action))
        return redirect(run)
    if request.method != "POST":
        return form_page(
            request, "runs/run/change", _confirmation(run, action, request.GET.get("from", ""))
        )
    reason = request.POST.get("reason", "").strip()
    step = request.POST.get("from", "")  # a name may begin or end with blanks
    by, point = Actor.of(request.user), StartPoint.of_restart_name(step) if step else ""
    rollback = bool(request.POST.get("rollback"))
    try:
        control.change(run, action, by=by, reason=reason, from_step=point, rollback=rollback)
    except DeployError as error:
        context = _confirmation(run, action, step) | {"reason": reason, "rollback": rollback}
        context |= presentation.refusal_context(error, "changed")
        return form_page(request, "runs/run/change", context)
    done = _ROLLED_BACK if rollback else presentation.ACTION_DONE[action]
    messages.success(request, f"{run.instance_id} {done}.")
    return redirect(run)


def _unavailable(run: Run, action: str) -> str:
    if run.gone_at:
        return f"Nothing was changed: the target no longer has {run.instance_id}."
    return f"Nothing was changed: you cannot {action} a run that is {run.status_label.lower()}."


def _confirmation(run: Run, action: str, step: str) -> dict[str, Any]:
    steps = _steps(run) if action in ("restart", "terminate") else ()
    names = _restart_names(steps) if action == "restart" else []
    if step in names[_MAX_STEPS:]:
        names.insert(0, step)
    names = names[:_MAX_STEPS]
    return {
        "run": run,
        "action": action,
        "word": presentation.ACTION_LABELS[action],
        "steps": names,
        "from_step": step if step in names else "",
        "rollbacks": rollbacks_of(document_of(run), steps),
        "has_document": run.deployment_id is not None,
    }


def _steps(run: Run) -> tuple[Step, ...]:
    return read_steps(fetch.fetch_run(run).data or {}, is_over=True)


def _restart_names(steps: Sequence[Step]) -> list[str]:
    """Return the names of the steps at which a restart can start."""
    names = dict.fromkeys(step.restart_name for step in steps)
    return [name for name in names if name]


def _dashboard(_request: HttpRequest, **_kwargs: Any) -> str:
    return reverse("deployments:dashboard")


@redirect_get_to(_dashboard)
@staff_with(*MAY_ACT)
def seen(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark the failed run, and the older ones with the same error, as seen."""
    run = get_object_or_404(viewable_runs(), pk=pk)
    count = failed_runs.mark_group_seen(run, by=Actor.of(request.user))
    name = run.workflow.name if run.workflow else run.workflow_name
    text = f"{count} failed run{pluralize(count)} of {name}"
    messages.success(request, f"{text} {pluralize(count, 'is,are')} marked as seen.")
    return redirect("deployments:dashboard")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(TRIGGER)
def send_event(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form, or send an event to the run; after an error the input is kept."""
    run = get_object_or_404(viewable_runs(), pk=pk)
    data = request.POST if request.method == "POST" else request.GET
    awaited = "" if run.awaits_approval else run.waits_for
    context: dict[str, Any] = {"run": run, "type": data.get("type") or awaited}
    context |= {name: data.get(name, "") for name in ("payload", "reason", "next")}
    context["payload"] = context["payload"] or _answer_text(run, data)
    context["event_types"] = event_schemas.event_types(run)
    if request.method != "POST":
        return page(request, "runs/run/send_event", context)
    try:
        answer = _answer(run, request.POST)
        result = _send(run, answer, request)
    except DeployError as error:
        return page(
            request, "runs/run/send_event", context | presentation.refusal_context(error, "sent")
        )
    payload = Truncator(json.dumps(answer, ensure_ascii=False)).chars(_MAX_PAYLOAD)
    text = f"The event {context['type']} was sent with {payload} to the run"
    return show_sent(request, result, text, next_page=context["next"])


def show_sent(
    request: HttpRequest, result: EventResult, text: str, *, next_page: str
) -> HttpResponse:
    """Show what was sent to which run: on the open page, or on the next one."""
    run = result.run
    name = run.workflow.name if run.workflow else run.workflow_name
    after = f"of {name}. {result.note}".rstrip()
    if request.htmx:
        detail = {"text": text, "url": run.get_absolute_url(), "link": run.instance_id}
        detail |= {"after": after, "level": "warning" if result.note else "success"}
        return HttpResponse(
            status=204, headers={"HX-Trigger": json.dumps({CHANGED: "", MESSAGE: detail})}
        )
    level = messages.WARNING if result.note else messages.SUCCESS
    link = format_html('<a href="{}">{}</a>', run.get_absolute_url(), run.instance_id)
    messages.add_message(request, level, format_html("{} {} {}", text, link, after))
    return redirect("runs:waiting") if next_page == "waiting" else redirect(run)


def _send(run: Run, answer: Any, request: HttpRequest) -> EventResult:
    event_type = request.POST.get("type", "").strip()
    if not event_type:
        raise Refused("Enter the type of the event. Nothing was sent.")
    if not run.is_open:
        raise Refused(
            f"The run is {run.status_label.lower()} and accepts no events. Nothing was sent."
        )
    reason, by = request.POST.get("reason", "").strip(), Actor.of(request.user)
    return control.send_event(run, event_type, answer, by=by, reason=reason)


def _answer_text(run: Run, data: Mapping[str, str]) -> str:
    """Return the chosen or entered answer as JSON, to show it again after an error."""
    try:
        answer = _answer(run, data)
    except DeployError:
        return ""
    return payloads.pretty(answer) if answer else ""


def _answer(run: Run, data: Mapping[str, str]) -> Any:
    """Return the payload from the button, form or text field that was submitted."""
    if not (key := data.get("form", "")):
        return payloads.read_payload(data.get("answer") or data.get("payload", ""))
    form = form_of(event_schemas.schema_of(run, key))
    if form is None:
        raise Refused("The form is outdated: the run's code has changed. Nothing was sent.")
    return read_form(form, data)
