"""Where a run failed if none of its steps did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployments.models import Deployment
from runs.models import Run
from runs.steps.step_nodes import NodeSource
from runs.steps.step_reader import Step
from workflows.ir.document.model import Node
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import NodeState, State


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePlace:
    """The code outside of steps in which a run failed.

    `node` is the node whose settings were evaluated, such as the condition of a branch; None if it
    is not known. Then `first` is the first node if the run had not reached it.
    """

    node: Node | None = None
    first: Node | None = None
    has_entry_code: bool = False


def failure_place(
    run: Run, source: NodeSource, states: Mapping[str, NodeState], steps: Sequence[Step]
) -> FailurePlace | None:
    """Return where a run failed; None if it did not, if a step failed, or if the place is not known."""
    if run.status != "errored" or any(step.state is State.FAILED for step in steps):
        return None
    failed = next((id_ for id_, state in states.items() if state.state is State.FAILED), None)
    ir = source.ir if isinstance(source, CodePicture) else source
    if ir is None:
        return None
    if failed:
        return FailurePlace(node=ir.nodes[failed])
    if steps:
        return None
    first = ir.nodes[ir.structure.root.steps[0].node_id]
    with_entry_code = Deployment.objects.filter(runs=run).exclude(entry_code="")
    return FailurePlace(first=first, has_entry_code=with_entry_code.exists())
