"""Checks of the graph that need no tree: ids, ends and labels of edges, entry, cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.ir.document.model import Edge, Node
from workflows.ir.reading.problems import Problem, listed, quoted
from workflows.ir.tree.flow import THEN, Flow
from workflows.ir.tree.graph import on_cycles, reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The nodes and edges of a document before they are checked.

    `ids` are the ids of all nodes, including those that could not be read. The last three fields
    are errors that were already reported, so that no check reports their consequences.
    `unread_labels` are nodes whose arms are unknown because of errors in their settings.
    """

    nodes: Mapping[str, Node]
    ids: Sequence[str]
    edges: Sequence[Edge]
    entry: str
    flows: Mapping[str, Flow]
    unread_labels: frozenset[str] = frozenset()
    has_unread_ids: bool = False
    has_unread_edges: bool = False


def check_node_ids(graph: Graph) -> Iterator[Problem]:
    """Yield ids that several nodes have."""
    for id_ in _repeated(graph.ids):
        yield Problem(
            path=f"nodes.{id_}",
            message=f"several nodes have the id {quoted(id_)}: give each a different id",
            node_id=id_,
        )


def check_edge_ids(graph: Graph) -> Iterator[Problem]:
    """Yield ids that several edges have."""
    for id_ in _repeated([edge.id for edge in graph.edges]):
        message = f"several edges have the id {quoted(id_)}: give each a different id"
        yield Problem(path=f"edges.{id_}", message=message)


def check_duplicate_edges(graph: Graph) -> Iterator[Problem]:
    """Yield edges with the same ends and label as another one."""
    seen: set[tuple[str, str, str]] = set()
    for edge in graph.edges:
        if not (edge.source and edge.target):
            continue  # reported when it was read
        if (ends := (edge.source, edge.target, edge.label)) in seen:
            message = (
                f"there is already an edge from {quoted(edge.source)} to {quoted(edge.target)} "
                "with the same label: remove one"
            )
            yield Problem(path=edge.path, message=message, node_id=edge.source)
        seen.add(ends)


def check_edge_ends(graph: Graph) -> Iterator[Problem]:
    """Yield edges from or to unknown nodes."""
    known = set(graph.ids)
    for edge in [] if graph.has_unread_ids else graph.edges:
        for end, id_ in (("source", edge.source), ("target", edge.target)):
            if id_ and id_ not in known:
                yield Problem(
                    path=f"{edge.path}.{end}",
                    message=f"no node has the id {quoted(id_)}: connect or remove the edge",
                )


def check_entry(graph: Graph) -> Iterator[Problem]:
    """Yield an unknown entry, and edges to the entry."""
    if graph.entry and graph.entry not in graph.ids:
        yield Problem(
            path="entryNodeId",
            message=f"no node has the id {quoted(graph.entry)}: use the id of the first node",
        )
    for edge in graph.edges:
        if edge.target == graph.entry and edge.source in graph.nodes:
            message = f"leads back to the entry {quoted(graph.entry)}: remove this edge"
            yield Problem(path=edge.path, message=message, node_id=edge.source)


def check_labels(graph: Graph) -> Iterator[Problem]:
    """Yield edges that their source cannot have, and required edges that are missing."""
    counts = Counter((edge.source, edge.target, edge.label) for edge in graph.edges)
    for id_, flow in graph.flows.items():
        node = graph.nodes[id_]
        if id_ in graph.unread_labels:
            continue
        for edge in flow.extra:
            if counts[edge.source, edge.target, edge.label] > 1:
                continue  # reported by check_duplicate_edges
            yield Problem(path=edge.path, message=_extra_edge_message(node, edge), node_id=id_)
        for label in () if graph.has_unread_edges else flow.missing:
            message = f"needs an edge with the label {quoted(label)}"
            yield Problem(path=node.path, message=message, node_id=id_)
        if node.type.container and node.type.container.step_timeout and not flow.arms:
            message = f"{quoted(id_)} ({node.type.name}) has no arms, so it never ends: add an edge to each arm"
            yield Problem(path=node.path, message=message, node_id=id_)


def _extra_edge_message(node: Node, edge: Edge) -> str:
    container = node.type.container
    if container is None:
        if edge.label:
            return (
                f"{quoted(node.id)} ({node.type.name}) has no regions: remove the label "
                f"{quoted(edge.label)} from its edge"
            )
        return f"{quoted(node.id)} ({node.type.name}) has more than one outgoing edge: keep one"
    labels = [*(container.labels(node.settings) if container.labels else ()), THEN]
    if (edge.label or THEN) in labels:
        return f"{quoted(node.id)} has more than one edge with the label {quoted(edge.label or THEN)}: keep one"
    return (
        f"{quoted(node.id)} ({node.type.name}) has no region {quoted(edge.label)}: "
        f"use one of {listed(labels)}"
    )


def check_cycles(graph: Graph) -> Iterator[Problem]:
    """Yield nodes on a cycle; edges to the entry are reported by `check_entry`."""
    targets = _targets(graph)
    forward = {
        id_: [target for target in ends if target != graph.entry] for id_, ends in targets.items()
    }
    cycle = on_cycles(list(graph.nodes), forward)
    if cycle:
        verb = "lead back to themselves" if len(cycle) > 1 else "leads back to itself"
        message = f"{listed(cycle, limit=100)} {verb}: use a loop node to repeat steps"
        yield Problem(path=f"nodes.{cycle[0]}", message=message, node_id=cycle[0])


def check_reachable(graph: Graph) -> Iterator[Problem]:
    """Yield nodes that no path from the entry reaches, unless a corrected edge may lead there."""
    if graph.entry not in graph.nodes or _has_edge_to_nowhere(graph):
        return
    targets = _targets(graph)
    reached = reachable(graph.entry, targets)
    for edge in graph.edges:
        if edge.source not in graph.nodes and edge.target in graph.nodes:
            reached |= reachable(edge.target, targets)
    for id_ in graph.nodes:
        if id_ not in reached:
            message = f"no path leads from the entry to {quoted(id_)}: connect or remove it"
            yield Problem(path=f"nodes.{id_}", message=message, node_id=id_)


def _has_edge_to_nowhere(graph: Graph) -> bool:
    is_known = set(graph.ids).__contains__
    return graph.has_unread_edges or not all(is_known(edge.target) for edge in graph.edges)


def _targets(graph: Graph) -> dict[str, list[str]]:
    """Return the targets of each node's edges, including edges without a meaning."""
    targets: dict[str, list[str]] = {id_: [] for id_ in graph.nodes}
    for edge in graph.edges:
        if edge.source in targets and edge.target in targets:
            targets[edge.source].append(edge.target)
    return targets


def _repeated(ids: Sequence[str]) -> list[str]:
    return [id_ for id_, count in Counter(ids).items() if count > 1 and id_]


CHECKS = (
    check_node_ids,
    check_edge_ids,
    check_duplicate_edges,
    check_edge_ends,
    check_entry,
    check_labels,
    check_cycles,
    check_reachable,
)
