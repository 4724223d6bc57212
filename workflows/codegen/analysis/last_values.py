"""The last value of a region: the result of an iteration, a concurrent arm or the whole run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container
from workflows.ir.document.region_tree import Region, RegionInfo, Step, Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class LastValue:
    """Where the last value comes from: one node, or whichever of the `candidates` ran last.

    `has_break` is true if a `break` inside leaves the region.
    """

    node_id: str = ""
    candidates: frozenset[str] = frozenset()
    has_break: bool = False

    @property
    def sources(self) -> frozenset[str]:
        """All nodes that the last value may come from."""
        return self.candidates | {self.node_id} if self.node_id else self.candidates


LastValues = Mapping[int, LastValue]


def last_values(ir: WorkflowIR) -> LastValues:
    """Return the last value of each frame by region id: the root, iterations, concurrent arms.

    The root of a script has no last value: a script returns its exports.
    """
    frames = Frames(ir.nodes, ir.structure)
    values: dict[int, set[str]] = {}
    for node in ir.nodes.values():
        region_id, _ = ir.structure.locations[node.id]
        if node.type.output is not None and not frames.is_cleanup[region_id]:
            values.setdefault(frames.frame_of[region_id], set()).add(node.id)
    with_break = frames.with_break()
    return {
        region.id: _last_value(
            _tail(region, ir.nodes),
            direct={step.node_id for step in region.steps},
            on_break=frozenset(values.get(region.id, ())) if region.id in with_break else None,
        )
        for region in _regions(ir.structure.root)
        if frames.frame_of[region.id] == region.id
        and not (ir.kind == SCRIPT and region is ir.structure.root)
    }


def _last_value(tail: list[str], *, direct: set[str], on_break: frozenset[str] | None) -> LastValue:
    """Return the last value of a region; `on_break` are all its values if a `break` may end it.

    `tail` are the nodes that may come last, `direct` those that are steps of the region itself.
    """
    if on_break is not None:
        return LastValue(candidates=on_break, has_break=True)
    if len(tail) == 1 and tail[0] in direct:
        return LastValue(node_id=tail[0])
    return LastValue(candidates=frozenset(tail))


def _tail(region: Region, nodes: Mapping[str, Node]) -> list[str]:
    """Return the nodes that can produce the last value of a region."""
    ids: list[str] = []
    for step in reversed(region.steps):
        type_ = nodes[step.node_id].type
        if type_.output is not None:
            return [*ids, step.node_id]
        if type_.container and type_.container.sequential:  # each step may be the last to succeed
            ids += _all_in(step, nodes)
        elif type_.container:
            for inner in (*step.regions, *step.shared):
                ids += _tail(inner, nodes)
    return ids


def _all_in(step: Step, nodes: Mapping[str, Node]) -> list[str]:
    """Return the nodes with a value inside a container, without those of its cleanup."""
    type_ = nodes[step.node_id].type
    if type_.output is not None:
        return [step.node_id]
    cleanup = type_.container.cleanup if type_.container else ()
    return [
        id_
        for region in (*step.regions, *step.shared)
        if region.label not in cleanup
        for inner in region.steps
        for id_ in _all_in(inner, nodes)
    ]


def _regions(root: Region) -> Iterator[Region]:
    stack = [root]
    while stack:
        region = stack.pop()
        yield region
        for step in region.steps:
            stack += (*step.regions, *step.shared)


class Frames:
    """The frame of each region: the nearest enclosing region, or itself, with a value of its own.

    `frame_of` and `is_cleanup` are indexed by region id; cleanup has no part in the frame's value.
    """

    def __init__(self, nodes: Mapping[str, Node], structure: Structure) -> None:
        self._nodes = nodes
        self._structure = structure
        self.frame_of: list[int] = []
        self.is_cleanup: list[bool] = []
        for region_id, region in enumerate(structure.regions):  # outer ones come first
            self._add(region_id, region)

    def _add(self, region_id: int, region: RegionInfo) -> None:
        container = self._container(region_id)
        if not container or container.repeats or container.concurrent:
            self.frame_of.append(region_id)
            self.is_cleanup.append(False)
        else:
            self.frame_of.append(self.frame_of[region.parent])
            is_cleanup = region.label in container.cleanup
            self.is_cleanup.append(is_cleanup or self.is_cleanup[region.parent])

    def _container(self, region_id: int) -> Container | None:
        owner = self._structure.regions[region_id].owner
        return self._nodes[owner].type.container if owner else None

    def with_break(self) -> set[int]:
        """Return the frames that a `break` leaves: up to its loop, or to the root."""
        frames: set[int] = set()
        for node in self._nodes.values():
            if node.type.breaks:
                frames.update(self._left_by_break(self._structure.locations[node.id][0]))
        return frames

    def _left_by_break(self, region_id: int) -> Iterator[int]:
        while True:
            frame = self.frame_of[region_id]
            yield frame
            container = self._container(frame)
            if container is None or container.repeats:
                return
            region_id = self._structure.regions[frame].parent
