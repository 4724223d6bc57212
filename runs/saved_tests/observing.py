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

_WITH_OUTPUT: Final = ("step", "waitForEvent")


def observe(
    data: Mapping[str, Any],
    steps: Sequence[Step],
    nodes: Mapping[int, str],
    *,
    ir: WorkflowIR | None,
    full_output: Callable[[Step], Any],
    requests: Iterable[MadeRequest] = (),
) -> Observed:
    """Return what the run has done; `data` has the shape of Cloudflare's API, with secrets masked.

    `nodes` are the nodes of the steps, by number. `full_output` returns an output that was truncated;
    it may raise LookupError or DeployError.
    """
    outputs: dict[str, list[Any]] = {}
    unreadable: set[str] = set()
    for step in steps:
        node_id = nodes.get(step.number, "")
        if not _has_output(step, node_id, ir):
            continue
        try:
            outputs.setdefault(node_id, []).append(_output(step, full_output))
        except (LookupError, DeployError):
            unreadable.add(node_id)
    return Observed(
        status=str(data.get("status") or ""),
        error=error_text(data.get("error")),
        nodes=tuple(dict.fromkeys(nodes[step.number] for step in steps if step.number in nodes)),
        outputs={id_: tuple(values) for id_, values in outputs.items() if id_ not in unreadable},
        output=read_json(data.get("output")),
        requests=tuple(requests),
    )


def _has_output(step: Step, node_id: str, ir: WorkflowIR | None) -> bool:
    node = ir.nodes.get(node_id) if ir else None
    is_own = node is not None and node.type.step_suffixes == ("",)
    return is_own and step.kind in _WITH_OUTPUT and step.state is State.DONE


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
