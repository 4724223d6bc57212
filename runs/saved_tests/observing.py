"""Reads what a run has done, in the form in which tests compare it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from runs.detail.json_tree import read_json
from runs.steps.step_reader import Step, error_text, is_truncated
from targets.cloudflare.errors import DeployError
from workflows.documents.saved_tests.model import MadeRequest, Observed
from workflows.ir.document.model import WorkflowIR
from workflows.picture.states import State
from workflows.picture.step_order import StepCall

_WITH_OUTPUT: Final = ("step", "waitForEvent")


def observe(
    data: Mapping[str, Any],
    steps: Sequence[Step],
    calls: Mapping[int, StepCall],
    *,
    ir: WorkflowIR | None,
    full_output: Callable[[Step], Any],
    requests: Iterable[MadeRequest] = (),
) -> Observed:
    """Return what the run has done; `data` is in the format of Cloudflare's API, with secrets masked.

    `calls` are the nodes of the steps, by number. `full_output` returns an output that was truncated;
    it may raise LookupError or DeployError.
    """
    outputs: dict[str, list[Any]] = {}
    unreadable: set[str] = set()
    for step in steps:
        call = calls.get(step.number)
        if call is None or not _has_output(step, call, ir):
            continue
        node_id = call.node_id
        try:
            outputs.setdefault(node_id, []).append(_output(step, full_output))
        except (LookupError, DeployError):
            unreadable.add(node_id)
    return Observed(
        status=str(data.get("status") or ""),
        error=error_text(data.get("error")),
        nodes=tuple(
            dict.fromkeys(calls[step.number].node_id for step in steps if step.number in calls)
        ),
        outputs={id_: tuple(values) for id_, values in outputs.items() if id_ not in unreadable},
        output=read_json(data.get("output")),
        requests=tuple(requests),
    )


def _has_output(step: Step, call: StepCall, ir: WorkflowIR | None) -> bool:
    node = ir.nodes.get(call.node_id) if ir else None
    if node is None or step.kind not in _WITH_OUTPUT or step.state is not State.DONE:
        return False
    return node.type.is_output(call.part, read_json(step.raw.get("output")))


def _output(step: Step, full_output: Callable[[Step], Any]) -> Any:
    output = read_json(step.raw.get("output"))
    return full_output(step) if is_truncated(output) else output


def made_request(raw: Mapping[str, Any]) -> MadeRequest:
    """Return a request as the embedded platform reports it."""
    response = raw.get("response") or {}
    return MadeRequest(
        method=str(raw["method"]),
        url=str(raw["url"]),
        body=raw.get("body"),
        answered=raw.get("answered"),
        status=response.get("status"),
        response=response.get("body"),
    )
