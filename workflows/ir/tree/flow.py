"""What the edges out of each node mean: its regions, what follows it, and where containers continue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.model import Edge, Node
from workflows.ir.tree.graph import PostDominators

THEN: Final = "then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A region of a container; `edge` is None if the settings name it but no edge leads there."""

    label: str
    edge: Edge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The edges out of one node; `extra` edges have no meaning, `missing` are labels without an edge."""

    then: Edge | None
    arms: tuple[Arm, ...] = ()
    extra: tuple[Edge, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def targets(self) -> list[str]:
        """The nodes that the edges lead to, regions first."""
        edges = [arm.edge for arm in self.arms] + [self.then]
        return [edge.target for edge in edges if edge]


def flows(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> dict[str, Flow]:
    """Return the flow of every node; edges from or to unknown nodes are left out."""
    outgoing: dict[str, list[Edge]] = {id_: [] for id_ in nodes}
    for edge in edges:
        if edge.source in outgoing and edge.target in outgoing:
            outgoing[edge.source].append(edge)
    return {id_: _flow(node, outgoing[id_]) for id_, node in nodes.items()}


def joins(
    nodes: Mapping[str, Node], *, flows: Mapping[str, Flow], order: Sequence[str]
) -> dict[str, str | None]:
    """Return where each container continues: at its `then`, or where its regions must meet."""
    successors = {
        id_: [flow.then.target] if flow.then else flow.targets for id_, flow in flows.items()
    }
    dominators = PostDominators(order, successors)
    return {
        id_: _join(flows[id_], dominators.of(id_)) for id_ in order if nodes[id_].type.container
    }


def _join(flow: Flow, dominator: str | None) -> str | None:
    if flow.then:
        return flow.then.target
    return dominator if sum(arm.edge is not None for arm in flow.arms) > 1 else None


def _flow(node: Node, edges: list[Edge]) -> Flow:
    container = node.type.container
    if container is None:
        first = edges[0] if edges and not edges[0].label else None
        return Flow(then=first, extra=tuple(edges[1:] if first else edges))
    if container.labels is None:
        return _one_arm_per_edge(edges)
    return _arms_by_label(tuple(container.labels(node.settings)), container.required, edges)


def _one_arm_per_edge(edges: list[Edge]) -> Flow:
    then = [edge for edge in edges if edge.label == THEN]
    arms = tuple(Arm(label=edge.label, edge=edge) for edge in edges if edge.label != THEN)
    return Flow(then=then[0] if then else None, arms=arms, extra=tuple(then[1:]))


def _arms_by_label(labels: tuple[str, ...], required: tuple[str, ...], edges: list[Edge]) -> Flow:
    allowed = {*labels, THEN}
    by_label: dict[str, Edge] = {}
    extra = []
    for edge in edges:
        label = edge.label or THEN
        if label in by_label or label not in allowed:
            extra.append(edge)
        else:
            by_label[label] = edge
    return Flow(
        then=by_label.get(THEN),
        arms=tuple(Arm(label=label, edge=by_label.get(label)) for label in labels),
        extra=tuple(extra),
        missing=tuple(label for label in required if label not in by_label),
    )
