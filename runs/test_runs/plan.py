"""The plan that the embedded platform gets for a test run: what happens at which steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from runs.services.control import Refused
from workflows.documents.saved_tests.model import ExpectedRequest
from workflows.documents.saved_tests.pins import NOTHING, Pin
from workflows.ir.document.model import Node, WorkflowIR
from workflows.picture.step_matching import Matcher, has_steps

_NOT_CALLED: Final = (
    "A test run does not start other workflows and scripts. Pin the output of this node, and test "
    "the other one on its own."
)

_FAILS_AT_ONCE: Final = {"failures": {"times": None, "message": _NOT_CALLED, "final": True}}


def test_plan(
    ir: WorkflowIR,
    pins: Mapping[str, Pin],
    *,
    speed: float | None,
    until: str | None,
    requests: Sequence[ExpectedRequest] | None,
) -> dict[str, Any]:
    """Return the plan; `until` is the name of the step at which the run stops.

    Nodes that would call other Workers fail, unless they are pinned. Raises Refused for a pin that
    cannot be applied.
    """
    matcher = Matcher(ir)
    steps: dict[str, Any] = {}
    for node_id, pin in pins.items():
        node = ir.nodes[node_id]
        check_pin(ir, node, pin)
        steps |= _pinned_steps(matcher, node, pin)
    for node in ir.nodes.values():
        if node.type.calls is not None and node.id not in pins:
            steps |= dict.fromkeys(matcher.names_of(node.id), _FAILS_AT_ONCE)
    answers = None if requests is None else [request.as_plan() for request in requests]
    return {"speed": speed, "until": until, "pins": steps, "requests": answers}


def can_be_pinned(node: Node) -> bool:
    """Return whether a node has an output or can fail on its own: it is a step, a call or a wait."""
    is_container = node.type.container is not None
    return has_steps(node) and not is_container and not _only_sleeps(node)


def _only_sleeps(node: Node) -> bool:
    return node.type.name in ("sleep", "sleep_until")


def is_wait(node: Node) -> bool:
    """Return whether the node waits for an event, whose payload is then what is pinned."""
    return node.type.receives_event


def check_pin(ir: WorkflowIR, node: Node, pin: Pin) -> None:
    """Raise Refused if the node cannot be pinned, or not like this."""
    if not can_be_pinned(node):
        raise Refused(
            f"{node.name} cannot be pinned: it is not a step, a request, a call or a wait."
        )
    if is_wait(node) and pin.failures and (pin.has_output or pin.failures.message is not None):
        raise Refused(f"{node.name} waits for an event: pin its payload, or let it time out.")
    others = Matcher(ir).nodes_named_like(node.id)
    if others:
        other = ir.nodes[min(others)]
        raise Refused(
            f"{node.name} cannot be pinned, because {other.id} has the same name. Rename one of them."
        )


def _pinned_steps(matcher: Matcher, node: Node, pin: Pin) -> dict[str, dict[str, Any]]:
    """Return the pins of the node's steps, by the names of the steps."""
    failures = pin.as_json().get("failures")
    by_suffix: dict[str, dict[str, Any]] = {"": {"failures": failures} if failures else {}}
    if pin.has_output:
        for suffix in node.type.pinned_results(None):
            by_suffix.setdefault(suffix, {}).update(_results(node, pin, suffix))
    return {
        name: step
        for suffix, step in by_suffix.items()
        for name in matcher.names_of(node.id, suffix)
    }


def _results(node: Node, pin: Pin, suffix: str) -> dict[str, Any]:
    """Return what a step returns, or what it returns each time that its node runs."""
    if pin.output is not NOTHING:
        return {"result": node.type.pinned_results(pin.output)[suffix]}
    return {"results": [node.type.pinned_results(output)[suffix] for output in pin.outputs]}
