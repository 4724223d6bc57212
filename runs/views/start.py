"""Starting runs: one with a payload, or many from lines of JSON."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from deployments.history import records, workflow_names
from deployments.models import Deployment
from runs import presentation
from runs.bulk import batch_start
from runs.detail import fetch
from runs.detail.json_tree import read_json
from runs.index.starters import PAGE
from runs.models import Run
from runs.permissions import TRIGGER
from runs.services import control, failed_runs, payloads
from runs.services.control import INSTANCE_ID_RULE, Refused
from runs.services.start_options import LOCATIONS, StartOptions, read_options
from runs.views.runs import form_page, viewable_runs
from targets.cloudflare.errors import DeployError
from targets.models import Target
from web.converters import read_key
from web.decorators import HttpRequest, redirect_get_to, staff_with
from workflows.ir.document.kinds import PROJECT, SCRIPT, WORKFLOW, kind_of
from workflows.models import Workflow
from workflows.picker.matching import matching

_HAS_RUNS: Final = Q(ir__kind__isnull=True) | Q(ir__kind__in=(WORKFLOW, PROJECT))
_MAX_CHOICES: Final = 50
_MAX_TEXT: Final = 256
_OPTIONS: Final = ("success_retention", "error_retention", "location")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(TRIGGER)
def start(request: HttpRequest) -> HttpResponse:
    """Show the form, or start a run and redirect to it; after an error the input is kept."""
    workflow = _workflow(request)
    if workflow is None:
        return _choose_workflow(request, "start")
    if request.method != "POST":
        return form_page(request, "runs/start/start", _form(request, workflow) | _payload(request))
    entered = {name: request.POST.get(name, "") for name in ("payload", "instance_id", *_OPTIONS)}
    try:
        started = control.trigger(
            _live(request, workflow),
            payloads.read_unmasked(entered["payload"]),
            by=Actor.of(request.user),
            instance_id=entered["instance_id"].strip(),
            options=_options(request),
            workflow=request.POST.get("workflow_name", ""),
            via=PAGE,
        )
    except DeployError as error:
        context: dict[str, Any] = presentation.refusal_context(error, "started") | entered
        context["again"] = _source_run(request)
        return form_page(request, "runs/start/start", _form(request, workflow) | context)
    if source := _source_run(request):
        failed_runs.mark_viewed(source)
    if started.is_new:
        messages.success(request, "The run was started.")
    else:
        message = f"A run with the id {started.run.instance_id} already exists."
        messages.warning(request, f"{message} No new run was started.")
    return redirect(started.run)


def _options(request: HttpRequest) -> StartOptions:
    return read_options(
        success=request.POST.get("success_retention", ""),
        error=request.POST.get("error_retention", ""),
        location=request.POST.get("location", ""),
    )


def _workflow(request: HttpRequest) -> Workflow | None:
    pk = request.POST.get("workflow") or request.GET.get("workflow", "")
    source = _source_run(request)
    pk = pk or (source.workflow_id if source and source.workflow_id else "")
    return get_object_or_404(Workflow, pk=pk) if pk else None


def _choose_workflow(request: HttpRequest, where: str) -> HttpResponse:
    """Show the workflows that are live on any target, or those with the text that was typed."""
    text = request.GET.get("q", "").strip()[:_MAX_TEXT]
    live = records.not_taken_down().filter(workflow=OuterRef("pk")).filter(_HAS_RUNS)
    rows = matching(text).filter(Exists(live)).values_list("pk", "name")
    found = list(rows[: _MAX_CHOICES + 1])
    context = {
        "choices": found[:_MAX_CHOICES],
        "has_more": len(found) > _MAX_CHOICES,
        "text": text,
        "where": where,
    }
    return form_page(request, "runs/start/choose_workflow", context)


def _live(request: HttpRequest, workflow: Workflow) -> Deployment:
    """Return the live deployment on the form's target. Raises Refused if there is none."""
    name = request.POST.get("target") or request.GET.get("target", "")
    target = Target.objects.filter(name=name).first() if name else None
    if name and target is None:
        raise Refused(f"There is no target {name}.")
    live = control.live_of(workflow, target)
    if kind_of(live.ir) == SCRIPT:
        raise Refused(f"{workflow.name} is a script: it answers requests and has no runs.")
    return live


def _form(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    live = records.not_taken_down().filter(workflow=workflow, target__isnull=False).order_by("-pk")
    targets = dict.fromkeys(live.values_list("target__name", flat=True))
    source = _source_run(request)
    context: dict[str, Any] = {
        "workflow": workflow,
        "targets": list(targets),
        "chosen_name": request.POST.get("workflow_name")
        or (source.workflow_name if source else ""),
        "chosen_target": request.POST.get("target") or request.GET.get("target", ""),
        "last_payloads": payloads.last_payloads(workflow.pk),
        "id_rule": INSTANCE_ID_RULE,
        "locations": LOCATIONS.items(),
    }
    try:
        context["live"] = _live(request, workflow)
        context["names"] = list(workflow_names.of_deployment(context["live"]))
    except DeployError as error:
        context["not_live"] = str(error)
    return context


def _source_run(request: HttpRequest) -> Run | None:
    """Return the run whose payload is used again, if any."""
    key = read_key(request.POST.get("again") or request.GET.get("again", ""))
    return viewable_runs().filter(pk=key).first() if key else None


def _payload(request: HttpRequest) -> dict[str, Any]:
    """Return the initial payload: that of the run to run again, or {}."""
    source = _source_run(request)
    if source is None:
        return {"payload": "{}"}
    fetched = fetch.fetch_run(source)
    if fetched.data is not None:
        payload = payloads.pretty(fetched.data.get("params"))
        return {"again": source, "payload": payload, "note": payloads.mask_note(payload)}
    text = getattr(getattr(source, "text", None), "params", "") or "{}"
    value = read_json(text)
    payload = payloads.pretty(value) if value is not text else text
    note = f"{fetched.problem} This is a stored copy of the payload and may be truncated."
    note = f"{note} {payloads.mask_note(payload)}".rstrip()
    return {"again": source, "payload": payload, "note": note}


def _start_page(_request: HttpRequest) -> str:
    return reverse("runs:start")


@redirect_get_to(_start_page)
@staff_with(TRIGGER)
def check(request: HttpRequest) -> HttpResponse:
    """Check whether the entered payload is JSON; shown below the editor."""
    context: dict[str, Any] = {}
    try:
        payload = payloads.read_unmasked(request.POST.get("payload", ""))
        context["bytes"] = payloads.size(payload)
    except DeployError as error:
        context["refusal"] = str(error)
    return render(request, "runs/start/_payload_check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(TRIGGER)
def batch(request: HttpRequest) -> HttpResponse:
    """Show the form, or start a run for each line; one invalid line prevents all starts."""
    workflow = _workflow(request)
    if workflow is None:
        return _choose_workflow(request, "batch")
    if request.method != "POST":
        return form_page(request, "runs/start/start_many", _form(request, workflow))
    try:
        lines = batch_start.read_input(request.POST.get("lines", ""), request.FILES.get("file"))
        change = batch_start.enqueue(
            _live(request, workflow),
            lines,
            by=Actor.of(request.user),
            options=_options(request),
            workflow=request.POST.get("workflow_name", ""),
        )
    except DeployError as error:
        context = {name: request.POST.get(name, "") for name in ("lines", *_OPTIONS)}
        context |= {"refusal": str(error)}
        return form_page(request, "runs/start/start_many", _form(request, workflow) | context)
    return redirect(change)
