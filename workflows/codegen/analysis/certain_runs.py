"""Which nodes have certainly run when a node starts, whichever path the run takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container
from workflows.ir.document.region_tree import Region, Step

Nodes = int
"""A set of nodes as a bit mask. Intersections are `&`, and a place that no run reaches has all bits."""

_NEVER_REACHED: Final[Nodes] = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class CertainRuns:
    """What has certainly run before and after each node, by its id.

    `dead_ends` are the regions that never run to their end, by the id of their container and their index.
    """

    before: Mapping[str, Nodes]
    after: Mapping[str, Nodes]
    bits: Mapping[str, Nodes]
    dead_ends: Collection[tuple[str, int]]

    def has_run(self, id_: str, *, before: str) -> bool:
        """Whether a node has run and succeeded whenever another one starts."""
        return bool(self.before[before] & self.bits[id_])

    def is_certain_after(self, id_: str, container: str) -> bool:
        """Whether a node inside a container has run whenever the workflow continues after it."""
        return bool(self.after[container] & self.bits[id_])

    def is_dead_end(self, container: str, index: int) -> bool:
        """Whether the workflow never continues after a region of the container."""
        return (container, index) in self.dead_ends


def certain_runs(ir: WorkflowIR, *, failing: Collection[str]) -> CertainRuns:
    """Follow all paths through the tree; `failing` are the nodes that always fail."""
    walk = _Walk(nodes=ir.nodes, failing=failing)
    walk.region(ir.structure.root, 0)
    return CertainRuns(
        before=walk.before, after=walk.after, bits=walk.bits, dead_ends=walk.dead_ends
    )


@dataclass(slots=True)
class _Walk:
    """`at_breaks` is what has run at every `break` out of each enclosing loop, outermost first.

    `arriving` is the same for the ends of all regions that lead to a shared region, by its first node.
    """

    nodes: Mapping[str, Node]
    failing: Collection[str]
    before: dict[str, Nodes] = field(default_factory=dict)
    after: dict[str, Nodes] = field(default_factory=dict)
    bits: dict[str, Nodes] = field(default_factory=dict)
    at_breaks: list[Nodes] = field(default_factory=lambda: [_NEVER_REACHED])
    arriving: dict[str, Nodes] = field(default_factory=dict)
    arrivals: int = 0
    dead_ends: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.bits = {id_: 1 << index for index, id_ in enumerate(self.nodes)}

    def region(self, region: Region, state: Nodes) -> Nodes:
        """Return what has run at the end of a region, and note what a shared region starts with."""
        for step in region.steps:
            id_ = step.node_id
            self.before[id_] = state
            state = self._step(step, state) | self.bits[id_]
            self.after[id_] = state
        if region.continues_at:
            known = self.arriving.get(region.continues_at, _NEVER_REACHED)
            self.arriving[region.continues_at] = known & state
            self.arrivals += 1
            return _NEVER_REACHED
        return state

    def _step(self, step: Step, state: Nodes) -> Nodes:
        node = self.nodes[step.node_id]
        if node.type.container and step.regions:
            return self._container(node, node.type.container, step, state)
        if node.type.breaks:
            self.at_breaks[-1] &= state
            return _NEVER_REACHED if node.type.breaks(node.settings) else state
        return _NEVER_REACHED if node.id in self.failing else state

    def _container(self, node: Node, container: Container, step: Step, state: Nodes) -> Nodes:
        if container.repeats:
            return self._loop(node, container, step, state)
        if container.sequential:
            return self._in_sequence(container, step, state)
        ends = [self._arm(node, index, region, state) for index, region in enumerate(step.regions)]
        if container.alternatives:
            return self._alternatives(node, container, step, state, ends=ends)
        if container.step_timeout:  # only the arm that wins has certainly finished
            return _in_all(ends)
        return state if container.collects_errors(node.settings) else _in_any(ends)

    def _arm(self, node: Node, index: int, region: Region, state: Nodes) -> Nodes:
        arrivals = self.arrivals
        end = self.region(region, state)
        if end == _NEVER_REACHED and arrivals == self.arrivals:
            self.dead_ends.add((node.id, index))
        return end

    def _alternatives(
        self, node: Node, container: Container, step: Step, state: Nodes, *, ends: list[Nodes]
    ) -> Nodes:
        for shared in step.shared:
            arriving = self.arriving.get(shared.steps[0].node_id, _NEVER_REACHED)
            ends.append(self.region(shared, arriving))
        conditions = container.conditions(node.settings) if container.conditions else ()
        return _in_all([*ends, *([] if None in conditions else [state])])

    def _in_sequence(self, container: Container, step: Step, state: Nodes) -> Nodes:
        """Follow regions that may each stop anywhere, so that the next one starts with nothing new."""
        ends = [(region.label, self.region(region, state)) for region in step.regions]
        cleanup = [end for label, end in ends if label in container.cleanup]
        return _in_all([end for label, end in ends if label not in container.cleanup]) | _in_any(
            cleanup
        )

    def _loop(self, node: Node, container: Container, step: Step, state: Nodes) -> Nodes:
        self.at_breaks.append(_NEVER_REACHED)
        end = self.region(step.regions[0], state)
        at_breaks = self.at_breaks.pop()
        if container.is_endless(node.settings):
            return at_breaks
        has_iterations = container.min_iterations(node.settings) > 0
        return at_breaks & (end if has_iterations else state)


def _in_all(ends: list[Nodes]) -> Nodes:
    common = _NEVER_REACHED
    for end in ends:
        common &= end
    return common


def _in_any(ends: list[Nodes]) -> Nodes:
    union = 0
    for end in ends:
        union |= end
    return union
