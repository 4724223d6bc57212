"""Checks of the graph that need no tree: ids, ends and labels of edges, the entry, cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.ir.document.model import Edge, Node
from workflows.ir.reading.problems import Problem, listed, quoted
from workflows.ir.tree import graph
from workflows.ir.tree.flow import THEN, Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The graph as it was drawn, before it is known to mean something.

    `ids` are those of all nodes, also of those that could not be read.
    """

    nodes: Mapping[str, Node]
    ids: Sequence[str]
    edges: Sequence[Edge]
    entry: str
    flows: Mapping[str, Flow]


def check_node_ids(drawn: Drawn) -> Iterator[Problem]:
    for id_ in _repeated(drawn.ids):
        yield Problem(
            path=f"nodes.{id_}",
            message=f"several nodes have the id {quoted(id_)}: give each its own",
            node_id=id_,
        )


def check_edge_ids(drawn: Drawn) -> Iterator[Problem]:
    for id_ in _repeated([edge.id for edge in drawn.edges]):
        message = f"several edges have the id {quoted(id_)}: give each its own"
        yield Problem(path=f"edges.{id_}", message=message)


def check_edges_differ(drawn: Drawn) -> Iterator[Problem]:
    seen = set()
    for edge in drawn.edges:
        if not (edge.source and edge.target):
            continue  # reported where it is read
        if (drawn_twice := (edge.source, edge.target, edge.label)) in seen:
            message = (
                f"there is another edge from {quoted(edge.source)} to {quoted(edge.target)} "
                "with the same label: remove one"
            )
            yield Problem(path=edge.path, message=message, node_id=edge.source)
        seen.add(drawn_twice)


def check_edge_ends(drawn: Drawn) -> Iterator[Problem]:
    known = set(drawn.ids)
    for edge in drawn.edges:
        for end, id_ in (("source", edge.source), ("target", edge.target)):
            if id_ and id_ not in known:
                yield Problem(
                    path=f"{edge.path}.{end}", message=f"no node has the id {quoted(id_)}"
                )


def check_entry(drawn: Drawn) -> Iterator[Problem]:
    if drawn.entry and drawn.entry not in drawn.ids:
        yield Problem(path="entryNodeId", message=f"no node has the id {quoted(drawn.entry)}")
    for edge in drawn.edges:
        if edge.target == drawn.entry and edge.source in drawn.nodes:
            message = f"leads back to the entry {quoted(drawn.entry)}: remove it"
            yield Problem(path=edge.path, message=message, node_id=edge.source)


def check_labels(drawn: Drawn) -> Iterator[Problem]:
    times = Counter((edge.source, edge.target, edge.label) for edge in drawn.edges)
    for id_, flow in drawn.flows.items():
        node = drawn.nodes[id_]
        for edge in flow.extra:
            if times[edge.source, edge.target, edge.label] > 1:
                continue  # said by another check
            yield Problem(path=edge.path, message=_why_spare(node, edge), node_id=id_)
        for label in flow.missing:
            message = f"needs an edge with the label {quoted(label)}"
            yield Problem(path=node.path, message=message, node_id=id_)
        if node.type.container and node.type.container.step_timeout and not flow.arms:
            message = (
                f"{quoted(id_)} ({node.type.name}) never ends: lead an edge to each of its arms"
            )
            yield Problem(path=node.path, message=message, node_id=id_)


def _why_spare(node: Node, edge: Edge) -> str:
    container = node.type.container
    if container is None:
        if edge.label:
            return (
                f"{quoted(node.id)} ({node.type.name}) has no regions: its edge takes no label, "
                f"not {quoted(edge.label)}"
            )
        return f"{quoted(node.id)} ({node.type.name}) leads on more than once: keep one edge"
    labels = [*(container.labels(node.settings) if container.labels else ()), THEN]
    if (edge.label or THEN) in labels:
        return f"{quoted(node.id)} has more than one edge {quoted(edge.label or THEN)}: keep one"
    return (
        f"{quoted(node.id)} ({node.type.name}) has no region {quoted(edge.label)}: "
        f"use {listed(labels)}"
    )


def check_cycles(drawn: Drawn) -> Iterator[Problem]:
    looping = graph.on_cycles(list(drawn.nodes), _targets(drawn))
    if looping:
        verb = "lead back to themselves" if len(looping) > 1 else "leads back to itself"
        message = f"{listed(looping, limit=100)} {verb}: use a loop node to repeat steps"
        yield Problem(path=f"nodes.{looping[0]}", message=message, node_id=looping[0])


def check_reachable(drawn: Drawn) -> Iterator[Problem]:
    if drawn.entry not in drawn.nodes:
        return
    reached = graph.reachable(drawn.entry, _targets(drawn))
    for id_ in drawn.nodes:
        if id_ not in reached:
            message = f"no way leads from the entry to {quoted(id_)}: connect or remove it"
            yield Problem(path=f"nodes.{id_}", message=message, node_id=id_)


def _targets(drawn: Drawn) -> dict[str, list[str]]:
    """Return where the edges of each node lead, also those for which there is no place."""
    targets: dict[str, list[str]] = {id_: [] for id_ in drawn.nodes}
    for edge in drawn.edges:
        if edge.source in targets and edge.target in targets:
            targets[edge.source].append(edge.target)
    return targets


def _repeated(ids: Sequence[str]) -> list[str]:
    return [id_ for id_, count in Counter(ids).items() if count > 1 and id_]


CHECKS = (
    check_node_ids,
    check_edge_ids,
    check_edges_differ,
    check_edge_ends,
    check_entry,
    check_labels,
    check_cycles,
    check_reachable,
)
