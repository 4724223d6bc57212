"""The state of each node in a run of a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workflows.ir.document.model import WorkflowIR
from workflows.picture.from_code.exits import states_of_exits
from workflows.picture.from_code.model import CodePicture
from workflows.picture.from_code.step_matching import match_steps
from workflows.picture.run_states import ENDED, calls_by_node, states_of
from workflows.picture.states import ACTIVE, NodeState, State
from workflows.picture.step_order import RawStep, StepCall
from workflows.picture.step_states import Kind, NodeSummary, summarize


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRun:
    """A run in the picture of a class.

    `states` has every node; `calls` are the steps whose node was found, and `unmatched` the others.
    """

    states: Mapping[str, NodeState] = field(default_factory=dict)
    calls: tuple[StepCall, ...] = ()
    unmatched: tuple[RawStep, ...] = ()


def run_of_class(picture: CodePicture, steps: Iterable[RawStep], run_status: str) -> CodeRun:
    """Return the state of every node in a run; `steps` are those of Cloudflare's API."""
    steps = list(steps)
    matched = match_steps(picture, steps)
    if picture.ir is None:
        return CodeRun(unmatched=matched.unmatched)
    calls = calls_by_node(matched.calls)
    is_over = run_status in ENDED
    summaries = {
        id_: _summary(picture.ir, id_, of_node, is_over=is_over) for id_, of_node in calls.items()
    }
    states = states_of(picture.ir, steps, calls, summaries, run_status)
    exits = states_of_exits(picture.ir, states, run_status)
    return CodeRun(
        states=states | exits,
        calls=matched.calls,
        unmatched=matched.unmatched,
    )


def _summary(ir: WorkflowIR, id_: str, calls: Sequence[StepCall], *, is_over: bool) -> NodeSummary:
    summary = summarize(calls, is_over=is_over, kind=Kind.ATTEMPTS)
    if len(calls) < 2 or not _is_parallel(ir, id_):
        return summary
    states = {summarize([call], is_over=is_over, kind=Kind.ATTEMPTS).state for call in calls}
    order = (*ACTIVE, State.FAILED, State.STOPPED, State.DONE)
    return replace(summary, state=next(state for state in order if state in states))


def _is_parallel(ir: WorkflowIR, id_: str) -> bool:
    """Whether several calls of a node can run at the same time."""
    structure = ir.structure
    for region in structure.enclosing(structure.locations[id_][0]):
        container = ir.nodes[structure.regions[region].owner].type.container
        if container is not None and container.repeats and container.concurrent:
            return True
    return False
