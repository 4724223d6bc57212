"""The state of each node in a run, from the steps that Cloudflare's API reports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.region_tree import Region, Step
from workflows.picture.states import ACTIVE, PLAIN, NodeState, State
from workflows.picture.step_matching import Matcher, has_steps
from workflows.picture.step_order import StepCall
from workflows.picture.step_states import Kind, NodeSummary, summarize

COMPLETE: Final = "complete"
ENDED: Final = frozenset({COMPLETE, "errored", "terminated"})


def node_states(
    ir: WorkflowIR, steps: Iterable[Mapping[str, Any]], run_status: str
) -> dict[str, NodeState]:
    """Return the state of every node in a run; `steps` are those of Cloudflare's API.

    A step that is incomplete or unknown is ignored.
    """
    steps = list(steps)
    calls = calls_by_node(Matcher(ir).match(steps))
    is_over = run_status in ENDED
    summaries = {
        id_: summarize(of_node, is_over=is_over, kind=_kind(ir.nodes[id_], of_node))
        for id_, of_node in calls.items()
    }
    return states_of(ir, steps, calls, summaries, run_status)


def calls_by_node(calls: Iterable[StepCall]) -> dict[str, list[StepCall]]:
    """Return the steps of each node, in the order of their start."""
    found: dict[str, list[StepCall]] = {}
    for call in calls:
        found.setdefault(call.node_id, []).append(call)
    return found


def states_of(
    ir: WorkflowIR,
    steps: Iterable[Mapping[str, Any]],
    calls: Mapping[str, Sequence[StepCall]],
    summaries: Mapping[str, NodeSummary],
    run_status: str,
) -> dict[str, NodeState]:
    """Return the state of every node in a run, from the calls and the summaries of those with steps."""
    states = _TreeWalk(ir, summaries, status=run_status).states()
    notes = _rollback_notes(steps, calls)
    return states | {id_: replace(states[id_], note=note) for id_, note in notes.items()}


def _rollback_notes(
    steps: Iterable[Mapping[str, Any]], calls: Mapping[str, Iterable[StepCall]]
) -> dict[str, str]:
    """Return what has become of the rollbacks of each node, whose steps have the names of those undone."""
    nodes = {str(call.raw.get("name")): id_ for id_, of_node in calls.items() for call in of_node}
    outcomes: dict[str, set[Any]] = {}
    for step in steps:
        is_rollback = isinstance(step, Mapping) and step.get("type") == "rollback"
        if is_rollback and (node_id := nodes.get(str(step.get("name")))):
            outcomes.setdefault(node_id, set()).add(step.get("success"))
    return {id_: _rollback_note(found) for id_, found in outcomes.items()}


def _rollback_note(outcomes: Collection[Any]) -> str:
    if False in outcomes:
        return "rollback failed"
    return "rolling back" if None in outcomes else "rolled back"


def _kind(node: Node, calls: Iterable[StepCall]) -> Kind:
    """Return how the steps of a node relate to each other."""
    type_ = node.type
    if type_.container is not None or not any(call.part for call in calls):
        is_repeated = type_.has_output is not None
        return Kind.SEQUENCE if is_repeated else Kind.ATTEMPTS
    if type_.calls is None:
        return Kind.SEQUENCE
    is_awaited = type_.max_wait is not None and type_.max_wait(node.settings) is not None
    return Kind.AWAITED_CHILD if is_awaited else Kind.CHILD


class _TreeWalk:
    """Derives the states of nodes without steps from the nodes around them."""

    def __init__(
        self, ir: WorkflowIR, summaries: Mapping[str, NodeSummary], *, status: str
    ) -> None:
        self._ir = ir
        self._summaries = summaries
        self._status = status
        self._inside: dict[str, list[NodeSummary]] = {}
        self._states: dict[str, NodeState] = {}

    def states(self) -> dict[str, NodeState]:
        root = self._ir.structure.root
        self._collect(root)
        is_complete = self._status == COMPLETE
        is_entered = bool(self._summaries) or is_complete
        self._set_region(root, is_entered=is_entered, is_passed=is_complete)
        if self._status == "errored":
            self._mark_failed_condition()
        return {id_: self._states.get(id_, PLAIN) for id_ in self._ir.nodes}

    @property
    def _is_over(self) -> bool:
        return self._status in ENDED

    def _collect(self, region: Region) -> list[NodeSummary]:
        """Collect the summaries inside each container; return those inside the region."""
        in_region = []
        for step in region.steps:
            inside = [
                summary
                for inner in (*step.regions, *step.shared)
                for summary in self._collect(inner)
            ]
            self._inside[step.node_id] = inside
            own = self._summaries.get(step.node_id)
            # A race is done with its first arm; the others may still run, which no longer matters.
            is_decided = own is not None and own.state is State.DONE
            in_region += [*([own] if own else []), *([] if is_decided else inside)]
        return in_region

    def _has_started(self, step: Step) -> bool:
        return step.node_id in self._summaries or bool(self._inside[step.node_id])

    def _set_region(self, region: Region, *, is_entered: bool, is_passed: bool) -> None:
        """Set the states in a region; `is_passed` means that something after it has started."""
        started = [at for at, step in enumerate(region.steps) if self._has_started(step)]
        last = started[-1] if started else -1
        passed = self._passed_steps(region.steps, last, is_entered=is_entered, is_passed=is_passed)
        for at, step in enumerate(region.steps):
            if at in started:
                self._set_started(step, is_passed=at < last or at < passed or is_passed)
            elif at < max(last, passed):
                self._set_untraced(step, NodeState(state=State.DONE), is_passed=True)
            elif is_passed:
                self._set_untraced(step, NodeState(state=State.SKIPPED), is_passed=False)
            else:
                self._set_untraced(step, NodeState(state=State.NOT_REACHED), is_passed=False)

    def _passed_steps(
        self, steps: Sequence[Step], last: int, *, is_entered: bool, is_passed: bool
    ) -> int:
        """Return how many steps at the start of a region have certainly run.

        A node without steps of its own leaves no trace: it runs as soon as the one before has ended.
        """
        at = last + 1
        if not is_entered or not is_passed or (at and not self._has_succeeded(steps[at - 1])):
            return last
        while at < len(steps) and self._leaves_no_trace(steps[at]):
            at += 1
        return at

    def _has_succeeded(self, step: Step) -> bool:
        """Return whether the step has ended without an error, so that the next one has run."""
        own = self._summaries.get(step.node_id)
        if own:
            return own.state is State.DONE or own.has_hidden_end
        container = self._ir.nodes[step.node_id].type.container
        catches = container is not None and container.sequential
        inside = self._inside[step.node_id]
        return catches or all(summary.state is State.DONE for summary in inside)

    def _leaves_no_trace(self, step: Step) -> bool:
        return not has_steps(self._ir.nodes[step.node_id])

    def _set_started(self, step: Step, *, is_passed: bool) -> None:
        own, inside = self._summaries.get(step.node_id), self._inside[step.node_id]
        self._states[step.node_id] = (
            self._container_state(step, own, inside, is_passed=is_passed)
            if step.regions
            else _node_state(own, is_passed=is_passed)
        )
        is_done = self._states[step.node_id].state is State.DONE
        self._set_inner_regions(step, is_passed=is_passed or is_done)

    def _set_untraced(self, step: Step, state: NodeState, *, is_passed: bool) -> None:
        """Set the state of a node without a trace, and the states inside it."""
        self._states[step.node_id] = state
        is_entered = is_passed and bool(step.regions)
        for inner in (*step.regions, *step.shared):
            if is_entered and not self._would_leave_trace(inner):
                self._set_unknown(inner)
            else:
                is_skipped = is_passed or state.state is State.SKIPPED
                self._set_region(inner, is_entered=False, is_passed=is_skipped)

    def _set_inner_regions(self, step: Step, *, is_passed: bool) -> None:
        """Set the states inside a container that has started."""
        container = self._ir.nodes[step.node_id].type.container
        is_sequential = container is not None and container.sequential
        is_chosen = container is not None and container.alternatives and self._is_over
        regions = (*step.regions, *step.shared)
        entered = [any(map(self._has_started, region.steps)) for region in regions]
        for at, region in enumerate(regions):
            is_arm = at < len(step.regions)
            is_left = is_passed or (is_sequential and any(entered[at + 1 :]))
            is_left = is_left or (is_chosen and is_arm and not entered[at] and any(entered))
            self._set_region(region, is_entered=entered[at], is_passed=is_left)

    def _would_leave_trace(self, region: Region) -> bool:
        """Return whether running the region would have left a trace; an empty one counts as traced."""
        return any(not self._leaves_no_trace(step) for step in region.steps) or not region.steps

    def _set_unknown(self, region: Region) -> None:
        """Set nodes that leave no trace to PLAIN, because they may have run; the others are skipped."""
        for step in region.steps:
            is_unknown = self._leaves_no_trace(step)
            self._states[step.node_id] = PLAIN if is_unknown else NodeState(state=State.SKIPPED)
            for inner in (*step.regions, *step.shared):
                self._set_unknown(inner)

    def _container_state(
        self, step: Step, own: NodeSummary | None, inside: Sequence[NodeSummary], *, is_passed: bool
    ) -> NodeState:
        summaries = [*([own] if own else []), *inside]
        return NodeState(
            state=self._combined_state(own, inside, is_passed=is_passed),
            attempts=own.attempts if own else 0,
            iterations=self._iterations(step, summaries),
        )

    def _combined_state(
        self, own: NodeSummary | None, inside: Sequence[NodeSummary], *, is_passed: bool
    ) -> State:
        states = [summary.state for summary in inside]
        if own and own.state in (State.DONE, State.FAILED):
            return own.state
        active = next((state for state in ACTIVE if state in states), None)
        if active:
            return active
        if is_passed or self._status == COMPLETE:
            return State.DONE
        if not self._is_over:
            return State.RUNNING
        # A run that was stopped has caught the failures inside: otherwise it would have failed.
        has_failed = self._status == "errored" and State.FAILED in states
        return State.FAILED if has_failed else State.STOPPED

    def _iterations(self, step: Step, summaries: Sequence[NodeSummary]) -> int:
        """Count the iterations of a loop, or of a node inside loops; 0 outside of loops."""
        structure, nodes = self._ir.structure, self._ir.nodes
        around = structure.enclosing(structure.locations[step.node_id][0])
        owners = [step.node_id, *(structure.regions[region].owner for region in around)]
        containers = (nodes[owner].type.container for owner in owners)
        depth = sum(container is not None and container.repeats for container in containers)
        if not depth:
            return 0
        return len({indices[:depth] for summary in summaries for indices in summary.indices})

    def _mark_failed_condition(self) -> None:
        """If no step failed, mark the node without steps that follows the last started one."""
        if any(node.state is State.FAILED for node in self._states.values()):
            return
        region: Region | None = self._ir.structure.root
        while region:
            started = [at for at, step in enumerate(region.steps) if self._has_started(step)]
            at = started[-1] if started else -1
            following = region.steps[at + 1 : at + 2]
            if following and self._leaves_no_trace(following[0]):
                self._states[following[0].node_id] = NodeState(state=State.FAILED)
                return
            inner = region.steps[at].regions if started else ()
            region = next((one for one in inner if any(map(self._has_started, one.steps))), None)


def _node_state(own: NodeSummary | None, *, is_passed: bool) -> NodeState:
    if own is None:
        return PLAIN
    is_in_loop = any(own.indices)
    has_ended = own.has_hidden_end and is_passed and not is_in_loop
    return NodeState(
        state=State.DONE if has_ended else own.state,
        attempts=own.attempts,
        iterations=len(own.indices) if is_in_loop else 0,
        duration=own.duration,
    )
