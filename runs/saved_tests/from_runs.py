"""Makes tests from runs: from a test run of the draft, and from a run of a deployed version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from audit.trail import Actor
from deployments.pipeline.config.bindings import Variable
from deployments.queue.request_factory import variables_for
from runs import statuses
from runs.detail.fetch import fetch_run
from runs.detail.json_tree import read_json
from runs.models import Run, TestResult, TestRun
from runs.saved_tests.execution import run_test, saved_tests
from runs.saved_tests.observing import made_request, observe
from runs.saved_tests.services import fingerprint, save_test
from runs.services.control import Refused
from runs.steps.masking import redact_run
from runs.steps.step_nodes import parsed_document, step_calls
from runs.steps.step_reader import HIDDEN, Step, read_steps
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from runs.test_runs.progress import TestProgress
from targets.cloudflare import test_runs
from targets.lookup import account_for_test_runs
from toolchain.redaction import MASK, redact_json
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.documents.saved_tests.making import make_test, with_schemas
from workflows.documents.saved_tests.model import Observed, SavedTest
from workflows.documents.saved_tests.pins import MAX_MESSAGE
from workflows.documents.saved_tests.reading import read_test
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import INFERRED
from workflows.ir.document.step_policy import is_sensitive
from workflows.ir.reading.fields import Code
from workflows.masked_values import masked_values
from workflows.models import Workflow
from workflows.node_types.registered import snapshot, types_for
from workflows.nodes import sub_workflow
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import secret_variables
from workflows.picture.states import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]
_HAS_NOT_ENDED: Final = "Wait until the run has ended, then save it as a test."
_WAS_STOPPED: Final = (
    "Only a run that ended on its own can be saved as a test. Run the draft without stopping it."
)
_IS_SENSITIVE: Final = (
    "{name} is sensitive, but the response that it got would be readable in the test. Pin an invented "
    "output to it, run the draft again, then save that run."
)
_OUTSIDE: Final = frozenset({b"env", b"fetch"})
"""Names in code that reach something outside of the workflow."""


def from_test_run(run: TestRun, *, name: str, by: Actor) -> JsonObject:
    """Return a test that the draft passes when it does the same as in the test run.

    Requests get the responses that they got. Secrets are replaced with invented values. Raises
    Refused or DeployError.
    """
    data = services.read(run)
    if data is None or not statuses.is_final(str(data.get("status"))):
        raise Refused(_HAS_NOT_ENDED)
    if run.until or data.get("status") == "terminated":
        raise Refused(_WAS_STOPPED)
    stand_ins = _StandIns(run.workflow, by)
    progress = TestProgress(run=run, data=redact_run(stand_ins.replaced(data), stand_ins.masked))
    requests = _requests(run)
    _check_responses(progress, requests)
    return make_test(
        observe(
            progress.data,
            progress.steps,
            progress.calls,
            ir=progress.ir,
            full_output=lambda step: stand_ins.hidden(_full_output(run, step)),
            requests=map(made_request, stand_ins.hidden(requests)),
        ),
        name=name,
        payload=progress.data.get("params"),
        speed=run.speed,
        variables=stand_ins.variables,
        pins=run.pins,
        with_requests=True,
    )


def first_run(draft: Workflow, name: str, *, by: User) -> TestResult:
    """Run a test of the draft that was made from a test run, and store the result.

    Outputs that differ from those of the test run are from then on only expected to have the same types.
    Raises DeployError like `run_test`.
    """

    def learn(test: SavedTest, second: Observed) -> SavedTest:
        learned = with_schemas(dict(test.source), second)
        if learned != test.source:
            before = fingerprint(dict(test.source))
            save_test(draft, learned, replaces=name, before=before, by=by)
        return read_test(learned)

    runnable = Runnable.draft(draft)
    return run_test(runnable, saved_tests(runnable)[name], by=Actor.of(by), learn=learn)


def _full_output(run: TestRun, step: Step) -> Any:
    account = account_for_test_runs()
    return test_runs.step_output(account, run.worker_name, services.INSTANCE, step.name)


def _requests(run: TestRun) -> list[dict[str, Any]]:
    return test_runs.requests(services.quick_account(), run.worker_name)


def _check_responses(progress: TestProgress, requests: Iterable[Mapping[str, Any]]) -> None:
    """Raise Refused if a response may be that of a sensitive node, whose output nobody may see."""
    if progress.ir is None or not any(made.get("response") for made in requests):
        return
    for node_id in progress.nodes.values():
        node, pin = progress.ir.nodes[node_id], progress.run.pins.get(node_id, {})
        is_pinned = "output" in pin or "outputs" in pin
        if is_sensitive(node.settings) and _is_outside(node) and not is_pinned:
            raise Refused(_IS_SENSITIVE.format(name=node.name))


class _StandIns:
    """Invented values that replace the workflow's secrets, so that a test needs no secret."""

    def __init__(self, workflow: Workflow, by: Actor) -> None:
        self.masked = masked_values(workflow.pk)
        stored = services.stored_variables(Runnable.draft(workflow), by)
        names = _used_secrets(workflow, stored, secret_variables(snapshot(workflow.ir)))
        self._values = {name: stored[name].value for name in names if name in stored}

    @property
    def variables(self) -> dict[str, str]:
        return _invented(self._values)

    def replaced(self, value: Any) -> Any:
        """Return the value with the invented values instead of the secrets."""
        for name, secret in self._values.items():
            value = _replace_masks(redact_json(value, [secret]), value, _stand_in(name))
        return value

    def hidden(self, value: Any) -> Any:
        """Return the value without secrets: current ones are replaced, former ones masked."""
        return redact_json(self.replaced(value), self.masked)


def _replace_masks(masked: Any, before: Any, text: str) -> Any:
    """Replace each mask that was not there before."""
    match masked:
        case str() if masked != before:
            return masked.replace(MASK, text)
        case list() if isinstance(before, list):
            return [
                _replace_masks(item, old, text) for item, old in zip(masked, before, strict=True)
            ]
        case dict() if isinstance(before, dict):
            pairs = zip(masked.items(), before.values(), strict=True)
            return {
                key.replace(MASK, text) if key not in before else key: _replace_masks(
                    item, old, text
                )
                for (key, item), old in pairs
            }
        case _:
            return masked


def from_run(run: Run, *, name: str) -> JsonObject:
    """Return a test that repeats a run of a deployed version, with its secrets masked.

    Whatever reaches outside of the workflow is pinned to what it returned, or how it failed; everything
    else runs again. Raises Refused if the run has not ended, or if the target no longer has it.
    """
    if run.workflow:
        services.check_not_project(run.workflow.kind)
    fetched = fetch_run(run)
    data, workflow = fetched.data, run.workflow
    ir = parsed_document(run.deployment_id) if run.deployment_id else None
    if data is None or ir is None or workflow is None or run.deployment is None:
        raise Refused(fetched.problem or "The code of this run is not known.")
    if not statuses.is_final(str(data.get("status"))):
        raise Refused(_HAS_NOT_ENDED)
    steps = read_steps(data, is_over=True)
    calls = step_calls(ir, steps)
    nodes = {number: call.node_id for number, call in calls.items()}
    observed = observe(data, steps, calls, ir=ir, full_output=_unknown)
    declared = secret_variables(run.deployment.node_types)
    return make_test(
        observed,
        name=name,
        payload=read_json(data.get("params")),
        speed=None,
        variables=_invented(_used_secrets(workflow, variables_for(workflow), declared)),
        pins=_pins(ir, steps, nodes, observed.outputs),
        with_requests=True,
    )


def sensitive_pins(workflow: Workflow, test: JsonObject) -> list[str]:
    """Return the names of the pinned nodes whose outputs were hidden when they were pinned."""
    ir = parse(workflow.ir, types_for(workflow.ir)).ir
    pins = (
        [(ir.nodes[id_], pin) for id_, pin in test.get("pins", {}).items() if id_ in ir.nodes]
        if ir
        else []
    )
    return [node.name for node, pin in pins if is_sensitive(node.settings) or _is_hidden(pin)]


def _is_hidden(pin: JsonObject) -> bool:
    return HIDDEN in (pin.get("output"), *pin.get("outputs", ()))


def _unknown(step: Step) -> Any:
    raise LookupError(step.name)


def _used_secrets(
    workflow: Workflow, variables: Mapping[str, Variable], declared: frozenset[str]
) -> list[str]:
    """Return the secrets that the code may read: the workflow's own, global ones, and declared ones."""
    code = json.dumps([workflow.ir, workflow.entry_code])
    stored = {name for name, item in variables.items() if item.is_secret and name in code}
    return sorted(stored | declared)


def _invented(names: Iterable[str]) -> dict[str, str]:
    """Return the values that a test sets instead of secrets."""
    return {name: _stand_in(name) for name in names}


def _stand_in(name: str) -> str:
    return f"test-{name}"


def _pins(
    ir: WorkflowIR,
    steps: Sequence[Step],
    nodes: Mapping[int, str],
    outputs: Mapping[str, tuple[Any, ...]],
) -> dict[str, JsonObject]:
    by_node: dict[str, list[Step]] = {}
    for step in steps:
        if step.number in nodes:
            by_node.setdefault(nodes[step.number], []).append(step)
    pins: dict[str, JsonObject] = {}
    for node_id, own in by_node.items():
        if _is_outside(ir.nodes[node_id]):
            pin = _pin(ir.nodes[node_id], own, outputs.get(node_id, ()))
            pins |= {node_id: pin} if pin else {}
    return pins


def _is_outside(node: Node) -> bool:
    """Return whether the node can reach anything outside of the workflow, such as another service."""
    if node.type.container is not None or node.type.name in ("sleep", "sleep_until"):
        return False
    if node.type.output != INFERRED:
        return True
    codes = [field for field in node.fields if isinstance(field, Code)]
    names = {name.text for code in codes for name in syntax_of(code).written_names}
    return bool(_OUTSIDE & names)


def _pin(node: Node, steps: Sequence[Step], outputs: tuple[Any, ...]) -> JsonObject:
    """Return what the node returned, and how it failed if it ran once, or has never returned anything."""
    if node.type.receives_event and len(outputs) <= 1 and _times_out(steps):
        return {"failures": {"times": None, "message": None}}
    pin: JsonObject = {}
    if node.type.name == sub_workflow.TYPE.name:
        outputs = _results_of_calls(steps)
    if len(outputs) == 1:
        pin["output"] = outputs[0]
    elif outputs:
        pin["outputs"] = list(outputs)
    is_only = len(steps) == 1 or (len(node.type.step_suffixes) > 1 and not outputs)
    failed = steps[-1] if is_only else None
    if failed and failed.last_error:
        times = sum(attempt.success is False for attempt in failed.attempts)
        pin["failures"] = {
            "times": max(times, 1) if outputs else None,
            "message": failed.last_error[:MAX_MESSAGE],
        }
    return pin


def _times_out(steps: Sequence[Step]) -> bool:
    """Return whether the only wait of a node has timed out, or the last one after an escalation."""
    waits = [step for step in steps if step.kind == "waitForEvent"]
    return (
        bool(waits)
        and waits[-1].state is State.FAILED
        and not any(wait.state is State.DONE for wait in waits)
    )


def _results_of_calls(steps: Sequence[Step]) -> tuple[Any, ...]:
    """Return the outputs of the runs that a node has started and waited for."""
    found = [read_json(step.raw.get("output")) for step in steps]
    return tuple(
        each.get("output")
        for each in found
        if isinstance(each, dict) and each.get("status") == "complete"
    )
