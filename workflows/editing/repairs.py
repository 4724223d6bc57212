"""Repairs the connections of a document whose nodes do not form a tree, if there is only one way to do so.

Only edges without a target or a meaning are deleted. Each repair may reveal the next problem, so
repairs are made one after another until there is a tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workflows.editing.document.refusals import NotEditable
from workflows.editing.document.workbench import JsonObject, OpenDocument, empty_step
from workflows.ir.document.model import Edge, Node, read_edges
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import Problem
from workflows.ir.reading.reader import Reader
from workflows.ir.tree.flow import THEN, flows
from workflows.ir.tree.graph import reachable
from workflows.nodes import branch
from workflows.nodes.documents import parse

_MAX_REPAIRS: Final = 20
_NEVER: Final = "false"  # the condition of an arm for which nobody has written a condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A repaired document, and the steps of the repair, in the imperative."""

    opened: OpenDocument
    steps: tuple[str, ...]


def repair(document: object, registry: Registry) -> Repair | None:
    """Return the repaired document; None if there is not exactly one way to repair it."""
    steps: list[str] = []
    while isinstance(document, dict) and len(steps) <= _MAX_REPAIRS:
        try:
            return Repair(opened=OpenDocument(document, registry), steps=tuple(steps))
        except NotEditable:
            graph = _Graph.of(document, registry)
            found = next(graph.repairs(), None) if graph else None
        if found is None:
            return None
        step, document = found
        steps.append(step)
    return None


_Step = tuple[str, JsonObject]
"""A description of the repair, and the repaired document."""


class _Graph:
    """The nodes and edges of a document that has no tree."""

    def __init__(self, document: JsonObject, nodes: dict[str, Node], edges: tuple[Edge, ...]):
        self.document = document
        self.nodes = nodes
        self.edges = edges
        self.entry = str(document.get("entryNodeId"))
        self.flows = flows(nodes, edges)

    @classmethod
    def of(cls, document: JsonObject, registry: Registry) -> _Graph | None:
        """Return the graph; None if some node or edge cannot be read."""
        parsed = parse(document, registry)
        items, nodes = document.get("nodes"), {node.id: node for node in parsed.nodes}
        if not isinstance(items, list) or len(nodes) != len(items):
            return None
        if not all(isinstance(item.get("data"), dict) for item in items):
            return None
        problems: list[Problem] = []
        edges = read_edges(Reader(document, path="", log=problems))
        return None if problems else cls(document, nodes, edges)

    def repairs(self) -> Iterator[_Step]:
        """Yield possible repairs; only the first one counts."""
        yield from self._edges_to_nowhere()
        yield from self._repeated_edges()
        yield from self._wrong_entry()
        yield from self._branches_without_arms()
        yield from self._wrong_edges()
        yield from self._missing_arms()
        yield from self._unreachable_nodes()

    def _edges_to_nowhere(self) -> Iterator[_Step]:
        for index, edge in enumerate(self.edges):
            for end in (edge.source, edge.target):
                if end not in self.nodes:
                    other = edge.target if end == edge.source else edge.source
                    step = f"Remove the edge between {self._called(other)} and \u201c{end}\u201d"
                    yield f"{step}, which does not exist", self._without(index)

    def _repeated_edges(self) -> Iterator[_Step]:
        seen = set()
        for index, edge in enumerate(self.edges):
            if (ends := (edge.source, edge.target, edge.label)) in seen:
                step = f"Remove the second edge {self._between(edge)}"
                yield step, self._without(index)
            seen.add(ends)

    def _wrong_entry(self) -> Iterator[_Step]:
        for index, edge in enumerate(self.edges):
            if edge.target == self.entry:
                yield f"Remove the edge {self._between(edge)}", self._without(index)
        if self.entry not in self.nodes:
            targets = {edge.target for edge in self.edges}
            first = [id_ for id_ in self.nodes if id_ not in targets]
            if len(first) == 1:
                step = f"Start at {self._called(first[0])}"
                yield step, {**self.document, "entryNodeId": first[0]}

    def _branches_without_arms(self) -> Iterator[_Step]:
        for node in self.nodes.values():
            if node.type is branch.TYPE and self._arms(node) == []:
                out = (edge.label for edge in self.edges if edge.source == node.id)
                labels = [*dict.fromkeys(label for label in out if label not in ("", THEN))]
                arms = [{"label": label, "condition": _NEVER} for label in labels or ["yes"]]
                yield self._with_arms(node, arms)

    def _wrong_edges(self) -> Iterator[_Step]:
        for id_, flow in self.flows.items():
            for edge in flow.extra:
                yield self._corrected(self.nodes[id_], edge)

    def _corrected(self, node: Node, edge: Edge) -> _Step:
        """Return the document after relabeling an edge, adding an arm for the edge, or removing the edge."""
        index = next(at for at, other in enumerate(self.edges) if other is edge)
        flow, container = self.flows[node.id], node.type.container
        if container is None and flow.then is None:
            return f"Remove the label of the edge {self._between(edge)}", self._labelled(index, "")
        free = [arm.label for arm in flow.arms if arm.edge is None]
        similar = [label for label in free if label.casefold() == edge.label.casefold()]
        known = {THEN, *(arm.label for arm in flow.arms)}
        if container and (edge.label or THEN) not in known:
            for label in similar or (flow.missing if len(flow.missing) == 1 else ()):
                step = f"Label the edge {self._between(edge)} \u201c{label}\u201d"
                return step, self._labelled(index, label)
            if arms := self._arms(node):
                new = {"label": edge.label, "condition": _NEVER}
                has_else = not str(arms[-1].get("condition") or "").strip()
                at = len(arms) - 1 if has_else else len(arms)
                return self._with_arms(node, [*arms[:at], new, *arms[at:]])
        return f"Remove the edge {self._between(edge)}", self._without(index)

    def _missing_arms(self) -> Iterator[_Step]:
        for id_, flow in self.flows.items():
            container = self.nodes[id_].type.container
            needs_any = bool(container and container.step_timeout and not flow.arms)
            for label in (*flow.missing, *([""] if needs_any else [])):
                name = f" \u201c{label}\u201d" if label else ""
                step = f"Add the missing arm{name} to {self._called(id_)}"
                yield step, self._with_empty_step(id_, label)

    def _unreachable_nodes(self) -> Iterator[_Step]:
        targets: dict[str, list[str]] = {id_: [] for id_ in self.nodes}
        for edge in self.edges:
            targets[edge.source].append(edge.target)
        if self.entry not in self.nodes:
            return
        reached = reachable(self.entry, targets)
        led_to = {edge.target for edge in self.edges}
        for id_ in self.nodes:
            if id_ not in reached and id_ not in led_to:
                last = self._last()
                label = THEN if self.nodes[last].type.container else ""
                step = f"Connect {self._called(id_)} at the end, after {self._called(last)}"
                yield step, self._with_edge(last, id_, label)

    def _last(self) -> str:
        """Return the last node after the entry, outside of containers."""
        last, seen = self.entry, set()
        while (then := self.flows[last].then) and last not in seen:
            seen.add(last)
            last = then.target
        return last

    def _arms(self, node: Node) -> list[JsonObject] | None:
        """Return the arms in the settings of a branch; None if there is no such list."""
        if node.type is not branch.TYPE:
            return None
        arms = self._item(node.id)["data"].get("branches") or []
        is_list = isinstance(arms, list) and all(isinstance(arm, dict) for arm in arms)
        return arms if is_list else None

    def _item(self, id_: str) -> JsonObject:
        return next(item for item in self.document["nodes"] if item["id"] == id_)

    def _called(self, id_: str) -> str:
        return f"\u201c{self.nodes[id_].name if id_ in self.nodes else id_}\u201d"

    def _between(self, edge: Edge) -> str:
        return f"from {self._called(edge.source)} to {self._called(edge.target)}"

    def _without(self, index: int) -> JsonObject:
        edges = self.document["edges"]
        return {**self.document, "edges": [*edges[:index], *edges[index + 1 :]]}

    def _labelled(self, index: int, label: str) -> JsonObject:
        edges = list(self.document["edges"])
        edges[index] = {key: value for key, value in edges[index].items() if key != "label"}
        edges[index] |= {"label": label} if label else {}
        return {**self.document, "edges": edges}

    def _with_edge(self, source: str, target: str, label: str) -> JsonObject:
        taken = {edge.id for edge in self.edges}
        id_ = next(name for at in range(len(taken) + 1) if (name := f"edge{at}") not in taken)
        new = {"id": id_, "source": source, "target": target}
        new |= {"label": label} if label else {}
        return {**self.document, "edges": [*self.document.get("edges", []), new]}

    def _with_empty_step(self, owner: str, label: str) -> JsonObject:
        count = range(1, len(self.nodes) + 2)
        id_ = next(name for at in count if (name := f"emptyStep{at}") not in self.nodes)
        connected = self._with_edge(owner, id_, label)
        return {**connected, "nodes": [*self.document["nodes"], empty_step(id_)]}

    def _with_arms(self, node: Node, arms: list[JsonObject]) -> _Step:
        new = {**self._item(node.id), "data": {**self._item(node.id)["data"], "branches": arms}}
        items = [new if item["id"] == node.id else item for item in self.document["nodes"]]
        return f"Add the missing arm to {self._called(node.id)}", {**self.document, "nodes": items}
