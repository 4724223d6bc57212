"""The rollbacks of a run: those that have run, and the steps that can still be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runs.steps.step_nodes import NodeSource, calls_of, nodes_of
from runs.steps.step_reader import ROLLBACK, Step
from workflows.ir.document.step_policy import rollback_of
from workflows.picture.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollbacks:
    """What a run has undone, and what not.

    `undone` are steps whose rollback has succeeded, `failed` is the rollback that failed. `remaining`
    are the steps whose rollback has not run, the first one to run first.
    """

    undone: tuple[Step, ...]
    failed: Step | None
    remaining: tuple[Step, ...]


def rollbacks_of(source: NodeSource | None, steps: Sequence[Step]) -> Rollbacks:
    """Return the rollbacks of a run; without its document, nothing is known about those that remain."""
    own = [step for step in steps if step.kind == ROLLBACK]
    failed = [step for step in own if step.state is State.FAILED]
    return Rollbacks(
        undone=tuple(step for step in own if step.state is State.DONE),
        failed=failed[-1] if failed else None,
        remaining=tuple(_remaining(source, steps, {step.name for step in own})) if source else (),
    )


def _remaining(source: NodeSource, steps: Sequence[Step], begun: set[str]) -> list[Step]:
    by_raw = {id(step.raw): step for step in steps}
    calls, nodes = calls_of(source, steps), nodes_of(source)
    with_rollback = [
        by_raw[id(call.raw)]
        for call in calls
        if not call.part and rollback_of(nodes[call.node_id].settings)
    ]
    return [step for step in reversed(with_rollback) if step.name not in begun]


def nodes_with_rollbacks(nodes: Mapping[int, str], steps: Sequence[Step]) -> dict[int, str]:
    """Return the node of each step, including rollbacks, which are named after what they undo."""
    by_name = {
        step.name: nodes[step.number]
        for step in steps
        if step.number in nodes and step.kind != ROLLBACK
    }
    undoing = (step for step in steps if step.kind == ROLLBACK and step.name in by_name)
    return {**nodes, **{step.number: by_name[step.name] for step in undoing}}
