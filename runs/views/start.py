"""Starting runs: one with a payload that somebody types, or many from lines of JSON."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from runs import presentation
from runs.bulk import batch_start
from runs.detail import fetch
from runs.detail.json_tree import read_json
from runs.models import Run
from runs.permissions import TRIGGER
from runs.services import control, payloads
from runs.services.control import INSTANCE_ID_RULE, Refused
from runs.views.runs import known_runs, page
from targets.cloudflare.errors import DeployError
from targets.models import Target
from web.converters import read_key
from web.decorators import HttpRequest, redirect_get_to, staff_with
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.models import Workflow

_MOST_CHOICES: Final = 500


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(TRIGGER)
def start(request: HttpRequest) -> HttpResponse:
    """Show the form, or start a run and go to it; what is refused is told above what was typed."""
    workflow = _workflow(request)
    if workflow is None:
        return page(
            request, "runs/start/choose_workflow", {"choices": _startable(), "where": "start"}
        )
    if request.method != "POST":
        return page(request, "runs/start/start", _form(request, workflow) | _payload(request))
    typed = {name: request.POST.get(name, "") for name in ("payload", "instance_id")}
    try:
        started = control.trigger(
            _live(request, workflow),
            payloads.read_whole(typed["payload"]),
            by=Actor.of(request.user),
            instance_id=typed["instance_id"].strip(),
        )
    except DeployError as refused:
        told = presentation.refusal(refused, "started") | typed
        return page(request, "runs/start/start", _form(request, workflow) | told)
    if started.is_new:
        messages.success(request, "The run was started.")
    else:
        said = f"A run with the id {started.run.instance_id} was there already: this is it."
        messages.warning(request, f"{said} No other one was started.")
    return redirect(started.run)


def _workflow(request: HttpRequest) -> Workflow | None:
    asked = request.POST.get("workflow") or request.GET.get("workflow", "")
    again = _again(request)
    asked = asked or (again.workflow_id if again and again.workflow_id else "")
    return get_object_or_404(Workflow, pk=asked) if asked else None


def _startable() -> list[tuple[str, str]]:
    """Return the ids and names of the workflows that are live somewhere."""
    live = records.not_taken_down().order_by().values_list("workflow", "ir__kind").distinct()
    found = Workflow.objects.filter(pk__in={pk for pk, kind in live if kind != SCRIPT})
    return list(found.order_by("name").values_list("pk", "name")[:_MOST_CHOICES])


def _live(request: HttpRequest, workflow: Workflow) -> Deployment:
    """Return what is live where the form says; raises Refused."""
    name = request.POST.get("target") or request.GET.get("target", "")
    target = Target.objects.filter(name=name).first() if name else None
    if name and target is None:
        raise Refused(f"There is no target {name}.")
    live = control.live_of(workflow, target)
    if kind_of(live.ir) == SCRIPT:
        raise Refused(f"{workflow.name} is a script: it has no runs, it answers requests.")
    return live


def _form(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    live = records.not_taken_down().filter(workflow=workflow, target__isnull=False).order_by("-pk")
    targets = dict.fromkeys(live.values_list("target__name", flat=True))
    context: dict[str, Any] = {
        "workflow": workflow,
        "targets": list(targets),
        "chosen_target": request.POST.get("target") or request.GET.get("target", ""),
        "last_payloads": payloads.last_payloads(workflow.pk),
        "id_rule": INSTANCE_ID_RULE,
    }
    try:
        context["live"] = _live(request, workflow)
    except DeployError as refused:
        context["nothing_live"] = str(refused)
    return context


def _again(request: HttpRequest) -> Run | None:
    key = read_key(request.GET.get("again", ""))
    return known_runs().filter(pk=key).first() if key else None


def _payload(request: HttpRequest) -> dict[str, Any]:
    """Return the payload to begin with: that of the run that is run again, as its target tells it."""
    again = _again(request)
    if again is None:
        return {"payload": "{}"}
    read = fetch.read(again)
    if read.told is not None:
        known = payloads.pretty(read.told.get("params"))
        return {"again": again, "payload": known, "note": payloads.mask_note(known)}
    text = getattr(getattr(again, "text", None), "params", "") or "{}"
    value = read_json(text)
    known = payloads.pretty(value) if value is not text else text
    note = f"{read.problem} This is the payload as it was seen here, perhaps cut."
    note = f"{note} {payloads.mask_note(known)}".rstrip()
    return {"again": again, "payload": known, "note": note}


def _its_page(_request: HttpRequest) -> str:
    return reverse("runs:start")


@redirect_get_to(_its_page)
@staff_with(TRIGGER)
def check(request: HttpRequest) -> HttpResponse:
    """Say whether what is typed is JSON: the part under the editor."""
    context: dict[str, Any] = {}
    try:
        payload = payloads.read_whole(request.POST.get("payload", ""))
        context["bytes"] = payloads.size(payload)
    except DeployError as refused:
        context["refusal"] = str(refused)
    return render(request, "runs/start/_payload_check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(TRIGGER)
def batch(request: HttpRequest) -> HttpResponse:
    """Start a run for each line; a line that is no JSON keeps all of them from being started."""
    workflow = _workflow(request)
    if workflow is None:
        return page(
            request, "runs/start/choose_workflow", {"choices": _startable(), "where": "batch"}
        )
    if request.method != "POST":
        return page(request, "runs/start/start_many", _form(request, workflow))
    try:
        lines = batch_start.lines_of(request.POST.get("lines", ""), request.FILES.get("file"))
        made = batch_start.ask(_live(request, workflow), lines, by=Actor.of(request.user))
    except DeployError as refused:
        told = {"refusal": str(refused), "lines": request.POST.get("lines", "")}
        return page(request, "runs/start/start_many", _form(request, workflow) | told)
    return redirect(made)
