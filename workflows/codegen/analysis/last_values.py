"""The last value of a region: what an iteration, a concurrent arm or the whole run comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container
from workflows.ir.document.region_tree import Region, RegionInfo, Step, Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class LastValue:
    """How the last value is found: it is that of one node, or the last that one of `candidates` gave.

    `has_break` says that a `break` inside leaves the region.
    """

    node_id: str = ""
    candidates: frozenset[str] = frozenset()
    has_break: bool = False

    @property
    def sources(self) -> frozenset[str]:
        return self.candidates | {self.node_id} if self.node_id else self.candidates


LastValues = Mapping[int, LastValue]


def last_values(ir: WorkflowIR) -> LastValues:
    """Return the outcome of each frame by its place: the root, iterations, concurrent arms."""
    frames = Frames(ir.nodes, ir.structure)
    given: dict[int, set[str]] = {}
    for node in ir.nodes.values():
        place, _ = ir.structure.locations[node.id]
        if node.type.output is not None and not frames.is_cleanup[place]:
            given.setdefault(frames.around[place], set()).add(node.id)
    left = frames.left()
    return {
        region.id: _last_value(
            _tail(region, ir.nodes),
            own={step.node_id for step in region.steps},
            left=frozenset(given.get(region.id, ())) if region.id in left else None,
        )
        for region in _regions(ir.structure.root)
        if frames.around[region.id] == region.id
    }


def _last_value(tail: list[str], *, own: set[str], left: frozenset[str] | None) -> LastValue:
    """Return the outcome of a region; `left` are all its values where it may end after any."""
    if left is not None:
        return LastValue(candidates=left, has_break=True)
    if len(tail) == 1 and tail[0] in own:
        return LastValue(node_id=tail[0])
    return LastValue(candidates=frozenset(tail))


def _tail(region: Region, nodes: Mapping[str, Node]) -> list[str]:
    """Return the nodes that can give the last value of a region."""
    found: list[str] = []
    for step in reversed(region.steps):
        type_ = nodes[step.node_id].type
        if type_.output is not None:
            return [*found, step.node_id]
        if (
            type_.container and type_.container.sequential
        ):  # each step may be the last that ends well
            found += _all_in(step, nodes)
        elif type_.container:
            for inner in (*step.regions, *step.shared):
                found += _tail(inner, nodes)
    return found


def _all_in(step: Step, nodes: Mapping[str, Node]) -> list[str]:
    """Return the nodes with a value in what runs of a container, those that tidy up left out."""
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
    waiting = [root]
    while waiting:
        region = waiting.pop()
        yield region
        for step in region.steps:
            waiting += (*step.regions, *step.shared)


class Frames:
    """The frame of each place: the nearest region around it that has a value of its own.

    `around` holds it by place; `is_cleanup` says which places only tidy up in their frame.
    """

    def __init__(self, nodes: Mapping[str, Node], structure: Structure) -> None:
        self._nodes = nodes
        self._structure = structure
        self.around: list[int] = []
        self.is_cleanup: list[bool] = []
        for number, place in enumerate(structure.regions):  # outer ones come before inner ones
            self._add(number, place)

    def _add(self, number: int, place: RegionInfo) -> None:
        container = self._container(number)
        if not container or container.repeats or container.concurrent:
            self.around.append(number)
            self.is_cleanup.append(False)
        else:
            self.around.append(self.around[place.parent])
            tidies = place.label in container.cleanup
            self.is_cleanup.append(tidies or self.is_cleanup[place.parent])

    def _container(self, place: int) -> Container | None:
        owner = self._structure.regions[place].owner
        return self._nodes[owner].type.container if owner else None

    def left(self) -> set[int]:
        """Return the frames that a `break` inside leaves: up to its loop, or to the root."""
        found: set[int] = set()
        for node in self._nodes.values():
            if node.type.breaks:
                found.update(self._left_by(self._structure.locations[node.id][0]))
        return found

    def _left_by(self, place: int) -> Iterator[int]:
        while True:
            frame = self.around[place]
            yield frame
            container = self._container(frame)
            if container is None or container.repeats:
                return
            place = self._structure.regions[frame].parent
