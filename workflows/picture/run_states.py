"""What became of each node in a run: from the steps that Cloudflare's API tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.region_tree import Region, Step
from workflows.picture.states import ACTIVE, PLAIN, NodeState, State
from workflows.picture.step_matching import Matcher, StepCall, has_steps
from workflows.picture.step_states import NodeSummary, summarize

COMPLETE: Final = "complete"
ENDED: Final = frozenset({COMPLETE, "errored", "terminated"})


def node_states(
    ir: WorkflowIR, steps: Iterable[Mapping[str, Any]], run_status: str
) -> dict[str, NodeState]:
    """Return the state of every node of a run, whose steps are given as Cloudflare's API gives them.

    Never raises for a step that is incomplete or unknown: it says nothing of any node.
    """
    calls: dict[str, list[StepCall]] = {}
    for call in Matcher(ir).called(steps):
        calls.setdefault(call.node_id, []).append(call)
    is_over = run_status in ENDED
    found = {
        id_: summarize(of_node, is_over=is_over, is_awaited=_is_awaited(ir.nodes[id_]))
        for id_, of_node in calls.items()
    }
    return _Walk(ir, found, status=run_status).states()


def _is_awaited(node: Node) -> bool:
    """Whether a node waits for something else than its own steps, such as a run that it started."""
    return node.type.max_wait is not None and node.type.max_wait(node.settings) is not None


class _Walk:
    """Goes through the tree: what the steps do not say follows from what stands around them."""

    def __init__(self, ir: WorkflowIR, found: Mapping[str, NodeSummary], *, status: str) -> None:
        self._ir = ir
        self._found = found
        self._status = status
        self._inside: dict[str, list[NodeSummary]] = {}
        self._states: dict[str, NodeState] = {}

    def states(self) -> dict[str, NodeState]:
        root = self._ir.structure.root
        self._gather(root)
        is_complete = self._status == COMPLETE
        self._region(root, is_entered=bool(self._found) or is_complete, is_passed=is_complete)
        if self._status == "errored":
            self._blame()
        return {id_: self._states.get(id_, PLAIN) for id_ in self._ir.nodes}

    @property
    def _is_over(self) -> bool:
        return self._status in ENDED

    def _gather(self, region: Region) -> list[NodeSummary]:
        """Note what has been seen inside of each container."""
        all_of_it = []
        for step in region.steps:
            inside = [one for inner in (*step.regions, *step.shared) for one in self._gather(inner)]
            self._inside[step.node_id] = inside
            own = self._found.get(step.node_id)
            is_decided = own is not None and own.state is State.DONE  # a race: its losers may go on
            all_of_it += [*([own] if own else []), *([] if is_decided else inside)]
        return all_of_it

    def _has_begun(self, step: Step) -> bool:
        return step.node_id in self._found or bool(self._inside[step.node_id])

    def _region(self, region: Region, *, is_entered: bool, is_passed: bool) -> None:
        """Tell of the nodes of a region; `is_passed` says that what comes after it has begun."""
        begun = [at for at, step in enumerate(region.steps) if self._has_begun(step)]
        furthest = begun[-1] if begun else -1
        reached = self._reached(region.steps, furthest, is_entered=is_entered, is_passed=is_passed)
        for at, step in enumerate(region.steps):
            if at in begun:
                self._begun(step, is_passed=at < furthest or at < reached or is_passed)
            elif at < max(furthest, reached):
                self._untold(step, NodeState(state=State.DONE), is_passed=True)
            elif is_passed:
                self._untold(step, NodeState(state=State.SKIPPED), is_passed=False)
            else:
                self._untold(step, NodeState(state=State.NOT_REACHED), is_passed=False)

    def _reached(
        self, steps: Sequence[Step], furthest: int, *, is_entered: bool, is_passed: bool
    ) -> int:
        """Return how many steps at the head of a region have surely been gone through.

        Those that have no step of their own leave no trace: they run as soon as what is before them
        has ended.
        """
        at = furthest + 1
        if not is_entered or not is_passed or (at and not self._has_ended(steps[at - 1])):
            return furthest
        while at < len(steps) and self._leaves_no_trace(steps[at]):
            at += 1
        return at

    def _has_ended(self, step: Step) -> bool:
        """Whether the step has ended well, so that what follows it has run."""
        own = self._found.get(step.node_id)
        if own:
            return own.state is State.DONE or own.ends_unseen
        container = self._ir.nodes[step.node_id].type.container
        catches = container is not None and container.sequential
        return catches or all(one.state is State.DONE for one in self._inside[step.node_id])

    def _leaves_no_trace(self, step: Step) -> bool:
        return not has_steps(self._ir.nodes[step.node_id])

    def _begun(self, step: Step, *, is_passed: bool) -> None:
        own, inside = self._found.get(step.node_id), self._inside[step.node_id]
        self._states[step.node_id] = (
            self._container(step, own, inside, is_passed=is_passed)
            if step.regions
            else _told(own, is_passed=is_passed)
        )
        self._inner(step, is_passed=is_passed or self._states[step.node_id].state is State.DONE)

    def _untold(self, step: Step, state: NodeState, *, is_passed: bool) -> None:
        self._states[step.node_id] = state
        is_entered = is_passed and bool(step.regions)
        for inner in (*step.regions, *step.shared):
            if is_entered and not self._traceable(inner):
                self._plain(inner)
            else:
                skipped = is_passed or state.state is State.SKIPPED
                self._region(inner, is_entered=False, is_passed=skipped)

    def _inner(self, step: Step, *, is_passed: bool) -> None:
        """Tell of the regions of a container that has begun."""
        container = self._ir.nodes[step.node_id].type.container
        in_turn = container is not None and container.sequential
        is_chosen = container is not None and container.alternatives and self._is_over
        regions = (*step.regions, *step.shared)
        entered = [any(map(self._has_begun, region.steps)) for region in regions]
        for at, region in enumerate(regions):
            is_arm = at < len(step.regions)
            left = is_passed or (in_turn and any(entered[at + 1 :]))
            left = left or (is_chosen and is_arm and not entered[at] and any(entered))
            self._region(region, is_entered=entered[at], is_passed=left)

    def _traceable(self, region: Region) -> bool:
        """Whether running the region would have left a trace."""
        return any(not self._leaves_no_trace(step) for step in region.steps) or not region.steps

    def _plain(self, region: Region) -> None:
        """Say nothing of what may have run or not, where it leaves no trace; all else has not."""
        for step in region.steps:
            unknown = self._leaves_no_trace(step)
            self._states[step.node_id] = PLAIN if unknown else NodeState(state=State.SKIPPED)
            for inner in (*step.regions, *step.shared):
                self._plain(inner)

    def _container(
        self, step: Step, own: NodeSummary | None, inside: Sequence[NodeSummary], *, is_passed: bool
    ) -> NodeState:
        told = [*([own] if own else []), *inside]
        return NodeState(
            state=self._state_of(own, inside, is_passed=is_passed),
            attempts=own.attempts if own else 0,
            iterations=self._iterations(step, told),
        )

    def _state_of(
        self, own: NodeSummary | None, inside: Sequence[NodeSummary], *, is_passed: bool
    ) -> State:
        states = [one.state for one in inside]
        if own and own.state in (State.DONE, State.FAILED):
            return own.state
        at_work = next((state for state in ACTIVE if state in states), None)
        if at_work:
            return at_work
        if is_passed or self._status == COMPLETE:
            return State.DONE
        if not self._is_over:
            return State.RUNNING
        return State.FAILED if State.FAILED in states else State.STOPPED

    def _iterations(self, step: Step, told: Sequence[NodeSummary]) -> int:
        """Count how often a loop's body ran, or anything else inside of a loop."""
        structure, nodes = self._ir.structure, self._ir.nodes
        around = structure.enclosing(structure.locations[step.node_id][0])
        owners = [step.node_id, *(structure.regions[place].owner for place in around)]
        containers = (nodes[owner].type.container for owner in owners)
        depth = sum(container is not None and container.repeats for container in containers)
        return len({indices[:depth] for one in told for indices in one.indices}) if depth else 0

    def _blame(self) -> None:
        """Find what failed without a step of its own: the condition behind what ended last."""
        if any(told.state is State.FAILED for told in self._states.values()):
            return
        region: Region | None = self._ir.structure.root
        while region:
            begun = [at for at, step in enumerate(region.steps) if self._has_begun(step)]
            at = begun[-1] if begun else -1
            last = region.steps[at] if begun else None
            inner = last and next(
                (one for one in last.regions if any(map(self._has_begun, one.steps))), None
            )
            following = region.steps[at + 1 : at + 2]
            if following and self._leaves_no_trace(following[0]):
                self._states[following[0].node_id] = NodeState(state=State.FAILED)
                return
            region = inner or None


def _told(own: NodeSummary | None, *, is_passed: bool) -> NodeState:
    if own is None:
        return PLAIN
    is_in_loop = any(own.indices)
    ends_now = own.ends_unseen and is_passed and not is_in_loop
    return NodeState(
        state=State.DONE if ends_now else own.state,
        attempts=own.attempts,
        iterations=len(own.indices) if is_in_loop else 0,
        took=own.took,
    )
