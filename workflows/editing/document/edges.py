"""Writes the edges of a changed tree, and keeps those that the document already has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from workflows.editing.document.tree import Block, Region, leads_outside
from workflows.ir.document.node_types import NodeType
from workflows.ir.tree.flow import THEN

JsonObject = dict[str, Any]
_Ends = tuple[str, str, str]
"""Source, label and target of an edge."""


def edges_of(
    root: Region, types: Mapping[str, NodeType], existing: Sequence[JsonObject]
) -> list[JsonObject]:
    """Return the edges of a tree; those that existed keep their id, their members and their place.

    `types` are the types of the nodes by id.
    """
    writer = _EdgeWriter(types)
    known = {writer.ends_of(edge): edge for edge in existing if edge["source"] in types}
    needed = list(writer.ends(root))
    kept = {ends: known[ends] for ends in needed if ends in known}
    ids = _Ids(edge["id"] for edge in kept.values())
    edges = {ends: kept.get(ends) or _new_edge(ends, ids) for ends in needed}
    in_place = [edge for ends, edge in known.items() if ends in kept]
    added = [edge for ends, edge in edges.items() if ends not in kept]
    return writer.with_ordered_arms([*in_place, *added], edges.values())


@dataclass(frozen=True, slots=True)
class _EdgeWriter:
    types: Mapping[str, NodeType]

    def ends_of(self, edge: JsonObject) -> _Ends:
        """Return the ends of an edge; a missing label may mean `then`."""
        source, label = edge["source"], edge.get("label") or ""
        if not label and self.types[source].container and not self._has_edge_arms(source):
            label = THEN
        return source, label, edge["target"]

    def ends(self, region: Region, *, exit_: str = "", join: str = "") -> Iterator[_Ends]:
        """Yield the ends of every edge, in the order in which the nodes are written.

        `exit_` is the node that edges from the end of the region lead to, if such edges are necessary;
        `join` is the node that runs next in any case.
        """
        end = _head(region.next)
        for block, following in zip_longest(region.blocks, region.blocks[1:]):
            after = following.node_id if following else end or exit_
            if following is None and (leads_outside(block) or (block.shared and not after)):
                # Without these edges, a node that only some of its arms lead to would be its join.
                yield from self._inside(block, after="", exit_=after or join, join=after or join)
            else:
                yield from self._inside(block, after=after, exit_="", join=after or join)
                if after:
                    yield block.node_id, THEN if self.types[block.node_id].container else "", after

    def _inside(self, block: Block, *, after: str, exit_: str, join: str) -> Iterator[_Ends]:
        for region in block.regions:
            needs_edge = needs_edge_to(region, self.types[block.node_id])
            target = _head(region) or exit_ or (after if needs_edge else "")
            if target:
                yield block.node_id, region.label, target
        for region in block.all_regions:
            yield from self.ends(region, exit_=exit_, join=join)

    def with_ordered_arms(
        self, edges: list[JsonObject], in_order: Iterable[JsonObject]
    ) -> list[JsonObject]:
        """Put the edges of nodes whose arms are edges in the order of these arms."""
        by_source: dict[str, list[JsonObject]] = defaultdict(list)
        for edge in in_order:
            by_source[edge["source"]].append(edge)
        queues = {
            source: iter(group)
            for source, group in by_source.items()
            if self._has_edge_arms(source)
        }
        return [
            next(queues[edge["source"]]) if edge["source"] in queues else edge for edge in edges
        ]

    def _has_edge_arms(self, node_id: str) -> bool:
        container = self.types[node_id].container
        return container is not None and container.labels is None


def needs_edge_to(region: Region, type_: NodeType) -> bool:
    """Whether there must be an edge to a region even if it is empty."""
    container = type_.container
    return container is not None and (
        container.labels is None or region.label in container.required
    )


def _head(region: Region | None) -> str:
    """Return the first node that runs in a region, or in the one that follows an empty region."""
    while region is not None:
        if region.blocks:
            return region.blocks[0].node_id
        region = region.next
    return ""


class _Ids:
    """Allocates ids of edges."""

    def __init__(self, taken: Iterator[str]) -> None:
        self._taken = set(taken)

    def new(self, proposal: str) -> str:
        name, count = proposal, 1
        while name in self._taken:
            count += 1
            name = f"{proposal}-{count}"
        self._taken.add(name)
        return name


def _new_edge(ends: _Ends, ids: _Ids) -> JsonObject:
    source, label, target = ends
    edge = {"id": ids.new(f"{source}-{target}"), "source": source, "target": target}
    return {**edge, "label": label} if label else edge
