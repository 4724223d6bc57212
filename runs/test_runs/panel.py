"""What the editor shows of test runs: the panel, and the states of the nodes in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from deployments.presentation.remediation import with_link
from runs.detail.json_tree import read_json
from runs.models import TestRun, TestSetup
from runs.permissions import CHANGE
from runs.services.payloads import pretty
from runs.steps.step_reader import Step
from runs.test_runs.plan import can_be_pinned, is_wait
from runs.test_runs.progress import TestProgress, progress_of
from runs.test_runs.setup import FAILS, SPEEDS, TIMES_OUT, setup_of
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest
from web.kept_input import take_input
from web.tones import Tone
from workflows.documents.saved_tests.pins import Pin, stored_pins
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node, WorkflowIR
from workflows.models import Workflow
from workflows.views.palette import Command

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PARAMETER: Final = "test_run"
STEP: Final = "step"
PROGRESS: Final = "test-progress"
PIN: Final = "test-pin"
"""The parts of the page that are replaced, by their ids."""
_TONES: Final = {
    "Complete": Tone("check", "good", ""),
    "Errored": Tone("cross", "bad", ""),
    "Lost": Tone("bolt", "warn", ""),
    "Stopped": Tone("stop", "quiet", ""),
}
_COMMANDS: Final = [
    Command(label=f"Test run: {label}", action="test", argument=command)
    for command, label in (
        ("run", "run this draft"),
        ("run_to_selected", "run to selected node"),
        ("stop", "stop"),
        ("pin_output", "pin the output"),
        ("edit_pin", "edit the pin"),
        ("save", "save as test"),
    )
]
_MAX_DIGITS: Final = 12
_MAX_STEPS: Final = 200
"""How many of the last steps of a node in a loop a person can choose from."""
_RUNNING: Final = Tone("ring", "busy", "")


def node_states(request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of the nodes in the test run that the page shows."""
    run = shown_run(request, context["workflow"])
    return {"node_states": progress_of(run).states} if run else {}


def shown_run(request: HttpRequest, workflow: Workflow) -> TestRun | None:
    """Return the user's test run that the address names."""
    key = request.GET.get(PARAMETER, "")
    if not key.isdecimal() or len(key) > _MAX_DIGITS:
        return None
    return own_runs(request, workflow).filter(pk=int(key)).first()


def own_runs(request: HttpRequest, workflow: Workflow) -> QuerySet[TestRun]:
    """Return the user's test runs of the draft, newest first."""
    user = cast("User", request.user)
    started = TestRun.objects.filter(workflow=workflow, user=user, saved_test="")
    started = started.exclude(started_at=None)
    return started.filter(expires_at__gt=timezone.now())


def editor_panel(request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the panel for the editor's page."""
    workflow: Workflow = context["workflow"]
    may_test = cast("User", request.user).has_perm(CHANGE) and workflow.kind != SCRIPT
    if not may_test or workflow.is_archived:
        return {}
    run = shown_run(request, workflow) or own_runs(request, workflow).first()
    ir, selected = context["ir"], context["selected"]
    setup = setup_of(workflow, cast("User", request.user))
    progress = progress_of(run) if run else None
    panel = {
        "workflow": workflow,
        "setup": setup,
        "speeds": SPEEDS,
        "speed": "" if setup.speed is None else f"{setup.speed:g}",
        "is_open": PARAMETER in request.GET,
        "is_off": not settings.AWAITSTEP.offers_local_cloudflare,
        "outputs": progress.outputs if progress else {},
        "progress": progress_html(request, workflow, ir, selected, progress=progress),
        "pin": pin_html(request, workflow, ir, selected),
    }
    return {
        "test_panel": render_to_string("runs/test_runs/panel.html", panel, request),
        "commands": [] if panel["is_off"] else _COMMANDS,
    }


def progress_html(
    request: HttpRequest,
    workflow: Workflow,
    ir: WorkflowIR,
    selected: str,
    *,
    progress: TestProgress | None = None,
    error: DeployError | None = None,
) -> SafeString:
    """Return the progress of the run, and what the selected node did in it; or why it did not start."""
    context: dict[str, Any] = {"workflow": workflow, "node": ir.nodes.get(selected)}
    if error:
        context["refusal"] = str(error).partition("\n")[0]
        base = workflow.get_absolute_url()
        context["findings"] = [
            with_link(finding.as_row(), f"{base}?node={finding.node_id}")
            for finding in error.findings
        ]
    if progress:
        steps = progress.steps_of(selected)
        step = chosen_step(request, steps)
        is_outdated = progress.run.ir != workflow.ir
        context |= {
            "progress": progress,
            "tone": tone_of(progress),
            "step": step,
            "steps": steps[-_MAX_STEPS:],
            "count": len(steps),
            "output": read_json(step.raw.get("output")) if step else None,
            "run_output": read_json(progress.data.get("output")),
            "is_outdated": is_outdated,
            "did_not_run": _did_not_run(progress, selected),
            "can_be_saved": progress.can_be_saved and not is_outdated,
            "can_use_output": step is not None
            and step.raw.get("output") is not None
            and progress.shows_output_of(step)
            and is_pinnable(ir, selected),
        }
    return render_to_string("runs/test_runs/_progress.html", context, request)


def chosen_step(request: HttpRequest, steps: Sequence[Step]) -> Step | None:
    """Return the step of a node that the request names, or else the last one."""
    named = request.POST.get(STEP, "") or request.GET.get(STEP, "")
    last = steps[-1] if steps else None
    return next((step for step in steps if str(step.number) == named), last)


def _did_not_run(progress: TestProgress, node_id: str) -> bool:
    state = progress.states.get(node_id)
    return state is not None and state.state.is_untouched


def tone_of(progress: TestProgress) -> Tone:
    """Return how the status of the run looks."""
    return _TONES.get(progress.label, _RUNNING)


def is_pinnable(ir: WorkflowIR, node_id: str) -> bool:
    """Return whether the node exists and can be pinned."""
    return node_id in ir.nodes and can_be_pinned(ir.nodes[node_id])


def pin_html(
    request: HttpRequest,
    workflow: Workflow,
    ir: WorkflowIR,
    selected: str,
    *,
    entered: Mapping[str, str] | None = None,
    refusal: str = "",
) -> SafeString:
    """Return the form for the pin of the selected node, and the list of all pins."""
    setup = setup_of(workflow, cast("User", request.user))
    pins = _pins_of(setup, ir)
    node = ir.nodes.get(selected)
    pin = pins.get(selected)
    kept = take_input(request, f"test-pin {workflow.pk} {selected}")
    context = {
        "workflow": workflow,
        "node": node,
        "can_pin": node is not None and can_be_pinned(node),
        "is_wait": node is not None and is_wait(node),
        "is_pinned": pin is not None,
        "form": entered or kept or _as_form(pin),
        "refusal": refusal,
        "pinned": [(ir.nodes[id_], _in_words(ir.nodes[id_], each)) for id_, each in pins.items()],
    }
    return render_to_string("runs/test_runs/_pin.html", context, request)


def _pins_of(setup: TestSetup, ir: WorkflowIR) -> dict[str, Pin]:
    return {id_: pin for id_, pin in stored_pins(setup.pins).items() if id_ in ir.nodes}


def _as_form(pin: Pin | None) -> dict[str, str]:
    failures = pin.failures if pin else None
    kind = "" if failures is None else (TIMES_OUT if failures.message is None else FAILS)
    return {
        "output": pretty(pin.output) if pin and pin.has_output else "",
        "failure": kind,
        "times": str(failures.times) if failures and failures.times else "",
        "message": (failures.message or "") if failures else "",
    }


def _in_words(node: Node, pin: Pin) -> str:
    """Return what the pin does: "fails twice, then has an output"."""
    words = []
    if pin.failures:
        verb = "times out" if pin.failures.message is None else "fails"
        times = _times(pin.failures.times)
        words.append(
            "times out" if is_wait(node) else f"{verb} {times}" if times else f"always {verb}"
        )
    if pin.has_output and (pin.failures is None or pin.failures.times):
        words.append("receives an event" if is_wait(node) else "has an output")
    return ", then ".join(words)


def _times(times: int | None) -> str:
    return {None: "", 1: "once", 2: "twice"}.get(times, f"{times} times")
