"""How the edges out of each node are read: what follows it, and what its regions are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.model import Edge, Node

THEN: Final = "then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A region of a container; `edge` is None where the settings name it and no edge leads in."""

    label: str
    edge: Edge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The ways out of one node; `spare` are edges for which there is no place."""

    then: Edge | None
    arms: tuple[Arm, ...] = ()
    spare: tuple[Edge, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def targets(self) -> list[str]:
        """Return where the edges lead, regions first."""
        edges = [arm.edge for arm in self.arms] + [self.then]
        return [edge.target for edge in edges if edge]


def flows(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> dict[str, Flow]:
    """Read the edges of every node; edges from or to unknown nodes are left out."""
    outgoing: dict[str, list[Edge]] = {id_: [] for id_ in nodes}
    for edge in edges:
        if edge.source in outgoing and edge.target in outgoing:
            outgoing[edge.source].append(edge)
    return {id_: _flow(node, outgoing[id_]) for id_, node in nodes.items()}


def _flow(node: Node, edges: list[Edge]) -> Flow:
    container = node.type.container
    if container is None:
        first = edges[0] if edges and not edges[0].label else None
        return Flow(then=first, spare=tuple(edges[1:] if first else edges))
    if container.labels is None:
        return _every_edge_an_arm(edges)
    return _arms_by_label(tuple(container.labels(node.settings)), container.required, edges)


def _every_edge_an_arm(edges: list[Edge]) -> Flow:
    then = [edge for edge in edges if edge.label == THEN]
    arms = tuple(Arm(label=edge.label, edge=edge) for edge in edges if edge.label != THEN)
    return Flow(then=then[0] if then else None, arms=arms, spare=tuple(then[1:]))


def _arms_by_label(labels: tuple[str, ...], required: tuple[str, ...], edges: list[Edge]) -> Flow:
    known = {*labels, THEN}
    found: dict[str, Edge] = {}
    spare = []
    for edge in edges:
        label = edge.label or THEN
        if label in found or label not in known:
            spare.append(edge)
        else:
            found[label] = edge
    return Flow(
        then=found.get(THEN),
        arms=tuple(Arm(label=label, edge=found.get(label)) for label in labels),
        spare=tuple(spare),
        missing=tuple(label for label in required if label not in found),
    )
