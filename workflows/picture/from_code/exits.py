"""Whether a run has left a function early: a `return` or a `throw` leaves no step, but what follows tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.region_tree import Region, Step
from workflows.picture.run_states import COMPLETE
from workflows.picture.states import PLAIN, NodeState, State
from workflows.picture.step_matching import has_steps


@dataclass(frozen=True, slots=True)
class _After:
    """What is known about what follows in the function: has it run, would it have left a step.

    A `throw` in a `try` only leaves that.
    """

    has_run: bool = False
    is_skipped: bool = False
    has_run_in_try: bool = False


@dataclass(slots=True)
class _Function:
    """The ways out of a function that it may have taken."""

    possible: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)


def states_of_exits(
    ir: WorkflowIR, states: Mapping[str, NodeState], run_status: str
) -> dict[str, NodeState]:
    """Return the states of the nodes that leave a function, as far as the other nodes reveal them."""
    return _Exits(ir, states, run_status).found()


class _Exits:
    """Walks through the functions, each from its end to its start."""

    def __init__(self, ir: WorkflowIR, states: Mapping[str, NodeState], run_status: str) -> None:
        self._ir = ir
        self._states = states
        self._status = run_status
        self._found: dict[str, State] = {}

    def found(self) -> dict[str, NodeState]:
        self._function([self._ir.structure.root], is_done=self._status == COMPLETE)
        return {id_: replace(self._state(id_), state=state) for id_, state in self._found.items()}

    def _state(self, id_: str) -> NodeState:
        return self._states.get(id_, PLAIN)

    def _function(self, regions: list[Region], *, is_done: bool) -> None:
        function = _Function()
        for region in regions:
            self._region(region, _After(), function)
        if is_done and len(function.possible) == 1 and function.taken == function.possible:
            self._found[function.possible[0]] = State.DONE

    def _region(self, region: Region, after: _After, function: _Function | None) -> None:
        """Read a region; in a loop, where each iteration may leave elsewhere, without a function."""
        for at, step in reversed(list(enumerate(region.steps))):
            self._step(step, after, function)
            if at:
                self._throw_after(region.steps[at - 1].node_id, step.node_id)
            has_run = any(map(self._has_run, _ids(step)))
            own = self._ir.nodes[step.node_id]
            is_skipped = has_steps(own) and self._state(own.id).state is State.SKIPPED
            after = _After(
                after.has_run or has_run,
                after.is_skipped or is_skipped,
                after.has_run_in_try or has_run,
            )

    def _has_run(self, id_: str) -> bool:
        """Whether a node has left a step; states of others are conclusions from those around them."""
        return self._state(id_).state.is_of_run and has_steps(self._ir.nodes[id_])

    def _step(self, step: Step, after: _After, function: _Function | None) -> None:
        node = self._ir.nodes[step.node_id]
        container = node.type.container
        if self._state(node.id).state is State.FAILED and not has_steps(node):
            self._fail(step)
        if node.type.name in ("return", "throw") and function:
            self._exit(node.id, node.type.name, after, function)
        if container is None:
            return
        if container.keeps_exits:
            is_done = self._state(node.id).state is State.DONE and not container.repeats
            self._function([*step.regions, *step.shared], is_done=is_done)
            return
        for region in (*step.regions, *step.shared):
            inner = after
            if region.label == "try" and container.sequential:
                inner = replace(after, has_run_in_try=False)
            self._region(region, inner, None if container.repeats else function)

    def _throw_after(self, before: str, id_: str) -> None:
        """Blame a `throw` for the failure of the run if the step right before it has succeeded."""
        is_throw = self._ir.nodes[id_].type.name == "throw"
        is_open = self._state(id_).state is State.NOT_REACHED
        has_succeeded = self._has_run(before) and self._state(before).state is State.DONE
        if is_throw and is_open and has_succeeded and self._status == "errored":
            self._found[id_] = State.FAILED

    def _fail(self, step: Step) -> None:
        """Blame the only `throw` in a condition for its failure."""
        throws = [id_ for id_ in _ids(step) if self._ir.nodes[id_].type.name == "throw"]
        has_traces = any(map(self._has_run, _ids(step)))
        if len(throws) == 1 and not has_traces:
            self._found[throws[0]] = State.FAILED

    def _exit(self, id_: str, kind: str, after: _After, function: _Function) -> None:
        if self._state(id_).state is not State.PLAIN:
            return
        if after.has_run_in_try if kind == "throw" else after.has_run:
            self._found[id_] = State.SKIPPED
        elif kind == "return":
            function.possible.append(id_)
            if after.is_skipped:
                function.taken.append(id_)


def _ids(step: Step) -> Iterator[str]:
    yield step.node_id
    for region in (*step.regions, *step.shared):
        for inner in region.steps:
            yield from _ids(inner)
