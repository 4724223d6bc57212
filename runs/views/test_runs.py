"""Test runs from the editor: starting, following and stopping them, and the pins of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from audit.trail import Actor
from runs.models import TestRun
from runs.permissions import CHANGE
from runs.services.control import Refused
from runs.services.payloads import pretty
from runs.test_runs import panel, services
from runs.test_runs.panel import PIN, PROGRESS
from runs.test_runs.plan import check_pin, is_wait
from runs.test_runs.progress import TestProgress, output_of, progress_of
from runs.test_runs.setup import (
    TIMES_OUT,
    pin_from_form,
    read_speed,
    save_pin,
    save_setup,
    test_input,
)
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from web.kept_input import keep_input
from workflows import drafts
from workflows.editing.document.refusals import NotEditable
from workflows.ir.document.model import WorkflowIR
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@require_POST
@staff_with(CHANGE)
def start(request: HttpRequest, workflow: str) -> HttpResponse:
    """Remember the payload and the speed, and start a test run."""
    draft = get_object_or_404(Workflow, pk=workflow)
    until = _selected(request) if "until_selected" in request.POST else ""
    try:
        setup = save_setup(
            draft,
            cast("User", request.user),
            payload=request.POST.get("payload", ""),
            speed=read_speed(request.POST.get("speed", "")),
        )
        if "until_selected" in request.POST and not until:
            raise Refused("Select the node after which the run stops.")
        run = services.start(draft, test_input(setup, until=until), by=Actor.of(request.user))
    except DeployError as error:
        return _answer(request, draft, error=error)
    return _answer(request, draft, run=run)


@require_GET
@staff_with(CHANGE)
def progress(request: HttpRequest, workflow: str) -> HttpResponse:
    """Return the progress of the user's newest test run; with `pin`, also the selected node's pin."""
    draft = get_object_or_404(Workflow, pk=workflow)
    run = panel.own_runs(request, draft).first()
    return _answer(request, draft, run=run, with_pin="pin" in request.GET)


@require_POST
@staff_with(CHANGE)
def stop(request: HttpRequest, workflow: str) -> HttpResponse:
    """Stop the user's newest test run of the draft."""
    draft = get_object_or_404(Workflow, pk=workflow)
    run = panel.own_runs(request, draft).first()
    try:
        if run:
            services.stop(run, by=Actor.of(request.user))
    except services.Unresponsive as removed:
        return _answer(request, draft, error=removed)
    except DeployError as error:
        return _answer(request, draft, run=run, error=error)
    return _answer(request, draft, run=run)


@require_POST
@staff_with(CHANGE)
def pin(request: HttpRequest, workflow: str) -> HttpResponse:
    """Pin the selected node as the form says, use its last output as the pin, or remove the pin."""
    draft = get_object_or_404(Workflow, pk=workflow)
    names = ("output", "failure", "times", "message")
    entered = {name: request.POST.get(name, "") for name in names}
    node = _selected(request)
    try:
        ir = _document(draft)
        if not panel.is_pinnable(ir, node):
            raise Refused("This node cannot be pinned.")
        if is_wait(ir.nodes[node]) and entered["failure"] == TIMES_OUT:
            entered["output"] = ""
        if "use_output" in request.POST:
            entered = {**dict.fromkeys(names, ""), "output": _output(request, draft, node)}
        new = (
            None
            if "remove" in request.POST
            else pin_from_form(
                entered["output"],
                failure=entered["failure"],
                times=entered["times"],
                message=entered["message"],
            )
        )
        if new:
            check_pin(ir, ir.nodes[node], new)
        save_pin(draft, cast("User", request.user), node, new)
    except DeployError as error:
        return _answer(request, draft, with_pin=True, entered=entered, pin_error=error)
    return _answer(request, draft, with_pin=True, run=panel.own_runs(request, draft).first())


def _selected(request: HttpRequest) -> str:
    return request.POST.get("node", "") or request.GET.get("node", "")


def _document(workflow: Workflow) -> WorkflowIR:
    """Return the draft as the editor shows it; raises Refused if its nodes form no tree."""
    try:
        return drafts.open_draft(workflow).draft
    except NotEditable:
        raise Refused("The nodes of the draft are not connected in a way that can run.") from None


def _output(request: HttpRequest, workflow: Workflow, node: str) -> str:
    """Return the whole output of the step that the page shows, as JSON. Raises Refused if there is none."""
    run = panel.own_runs(request, workflow).first()
    found = progress_of(run) if run else None
    step = panel.chosen_step(request, found.steps_of(node)) if found else None
    if found and step and not found.shows_output_of(step):
        raise Refused("The output of this node is not shown. Enter an invented one.")
    try:
        if run and step:
            return pretty(output_of(run, step))
    except LookupError:
        pass
    raise Refused("This node has no output in your last test run.")


def _answer(
    request: HttpRequest,
    workflow: Workflow,
    *,
    run: TestRun | None = None,
    error: DeployError | None = None,
    with_pin: bool = False,
    entered: dict[str, str] | None = None,
    pin_error: DeployError | None = None,
) -> HttpResponse:
    """Return the changed parts of the page, or redirect to the editor for a browser without scripts."""
    if request.headers.get("accept") != "application/json":
        if error or pin_error:
            _keep(request, workflow, entered)
        return _redirect(request, workflow, run=run, error=error or pin_error)
    selected = _selected(request)
    try:
        ir = _document(workflow)
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=409)
    parts: dict[str, str] = {}
    answer: dict[str, Any] = {"parts": parts}
    if pin_error is None:
        found = progress_of(run) if run else None
        parts[PROGRESS] = panel.progress_html(
            request, workflow, ir, selected, progress=found, error=error
        )
        answer |= _facts(found)
    if with_pin:
        parts[PIN] = panel.pin_html(
            request,
            workflow,
            ir,
            selected,
            entered=entered if pin_error else None,
            refusal=str(pin_error or ""),
        )
    return JsonResponse(answer)


def _facts(progress: TestProgress | None) -> dict[str, Any]:
    """Return what the page's script needs to know about the run."""
    if progress is None:
        return {"run": None, "running": False, "states": "", "label": "", "outputs": {}}
    states = ",".join(f"{id_}:{state.summary}" for id_, state in progress.states.items())
    return {
        "run": progress.run.pk,
        "running": not progress.is_over,
        "states": f"{progress.run.pk} {states}",
        "label": progress.label,
        "outputs": progress.outputs,
    }


def _keep(request: HttpRequest, workflow: Workflow, pin: Mapping[str, str] | None) -> None:
    """Keep what was typed, so that the editor shows it again."""
    payload = {"payload": request.POST.get("payload", "")}
    keep_input(request, f"test-payload {workflow.pk}", payload)
    keep_input(request, f"test-pin {workflow.pk} {_selected(request)}", pin or {})


def _redirect(
    request: HttpRequest, workflow: Workflow, *, run: TestRun | None, error: DeployError | None
) -> HttpResponse:
    if error:
        messages.error(request, str(error))
    query = {"node": _selected(request), panel.PARAMETER: run.pk if run else ""}
    address = f"{workflow.get_absolute_url()}?{urlencode(query)}"
    return redirect(address)
