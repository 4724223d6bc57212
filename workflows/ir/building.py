"""Builds the tree from the graph: regions, joins by post-dominators, nodes that arms share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workflows.ir.flow import Arm, Flow
from workflows.ir.graph import PostDominators
from workflows.ir.problems import Problem, quoted
from workflows.ir.structure import MAX_NESTING, Place, Region, Step, Structure

if TYPE_CHECKING:
    from workflows.ir.document import Edge, Node


@dataclass(slots=True, kw_only=True)
class _Open:
    """A region that still grows."""

    parent: int
    owner: str
    label: str
    depth: int
    position: int
    turn: int
    items: list[str] = field(default_factory=list)
    goes_on_at: str = ""
    feeds: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A way into a node: from the end of the place, along the edge (None: from the container)."""

    place: int
    edge: Edge | None


class TooDeep(Exception):
    """Containers nest deeper than anything here is made for."""

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.node_id = node_id


class Builder:
    """Gives each node its place, in topological order, and collects what rule 3 and 7 forbid."""

    def __init__(
        self, nodes: Mapping[str, Node], *, flows: Mapping[str, Flow], order: Sequence[str]
    ) -> None:
        self.problems: list[Problem] = []
        self._nodes = nodes
        self._flows = flows
        self._order = order
        self._joins = _joins(nodes, flows=flows, order=order)
        self._places = [_Open(parent=-1, owner="", label="", depth=0, position=0, turn=0)]
        self._arms: dict[str, list[int]] = {}
        self._shared: dict[str, list[int]] = {}
        self._where: dict[str, tuple[int, int]] = {}
        self._shares: list[tuple[str, dict[_Arrival, list[int]]]] = []
        self._arrivals: dict[str, list[_Arrival]] = {id_: [] for id_ in order}

    def build(self, entry: str) -> Structure:
        """Return the tree; it is meaningful only when `problems` stays empty. Raises TooDeep."""
        self._arrivals[entry].append(_Arrival(0, None))
        for id_ in self._order:
            self._put(id_, self._place_for(id_))
            self._leave(id_)
        for id_, ways in self._shares:  # now that every join has its place
            self._refuse_leaving(id_, ways)
        return self._frozen()

    def _put(self, id_: str, place: int) -> None:
        items = self._places[place].items
        self._where[id_] = (place, len(items))
        items.append(id_)

    def _leave(self, id_: str) -> None:
        """Follow the ways out of a node that has just got its place."""
        place, flow = self._where[id_][0], self._flows[id_]
        if self._nodes[id_].type.container:
            arms = [
                self._open(id_, label=arm.label, turn=turn) for turn, arm in enumerate(flow.arms)
            ]
            self._arms[id_] = arms
            for arm, inner in zip(flow.arms, arms, strict=True):
                self._follow(arm.edge, inner)
        join = self._joins.get(id_)
        if flow.then:
            self._follow(flow.then, place)
        elif join:
            self._arrive(join, _Arrival(place, None))

    def _follow(self, edge: Edge | None, place: int) -> None:
        if edge:
            self._arrive(edge.target, _Arrival(place, edge))

    def _arrive(self, target: str, arrival: _Arrival) -> None:
        if not self._is_join_around(target, arrival.place):
            self._arrivals[target].append(arrival)

    def _is_join_around(self, target: str, place: int) -> bool:
        """Whether the end of the place falls through to the target, being the join around it."""
        while owner := self._places[place].owner:
            join = self._joins[owner]
            if join is not None:
                return join == target
            place = self._places[place].parent
        return False

    def _open(self, owner: str, *, label: str, turn: int) -> int:
        parent, position = self._where[owner]
        depth = self._places[parent].depth + 1
        if depth > MAX_NESTING:
            raise TooDeep(owner)
        self._places.append(
            _Open(
                parent=parent, owner=owner, label=label, depth=depth, position=position, turn=turn
            )
        )
        return len(self._places) - 1

    def _place_for(self, id_: str) -> int:
        arrivals = self._arrivals[id_]
        places = {arrival.place for arrival in arrivals}
        if len(places) == 1:
            return places.pop()
        return self._meet(id_, arrivals)

    def _meet(self, id_: str, arrivals: list[_Arrival]) -> int:
        """Place a node that is reached from several regions and is not their join."""
        common = self._common({arrival.place for arrival in arrivals})
        inner = {arrival: self._way_up(arrival.place, common) for arrival in arrivals}
        owners = {self._places[way[-1]].owner for way in inner.values() if way}
        if len(owners) > 1 or not all(inner.values()):
            self._refuse_past_joins(id_, inner)
            return common
        self._shares.append((id_, inner))
        return self._share(id_, owner=owners.pop(), ways=inner)

    def _share(self, id_: str, *, owner: str, ways: Mapping[_Arrival, list[int]]) -> int:
        known = self._shared.setdefault(owner, [])
        shared = self._open(owner, label="", turn=len(self._arms[owner]) + len(known))
        known.append(shared)
        for arrival, way in ways.items():
            self._places[arrival.place].goes_on_at = id_
            self._places[way[-1]].feeds.add(shared)
        return shared

    def _common(self, places: set[int]) -> int:
        common = places.pop()
        for place in places:
            other = place
            while common != other:
                if self._places[common].depth >= self._places[other].depth:
                    common = self._places[common].parent
                else:
                    other = self._places[other].parent
        return common

    def _way_up(self, place: int, until: int) -> list[int]:
        """Return the places that are left on the way from one to another around it."""
        way = []
        while place != until:
            way.append(place)
            place = self._places[place].parent
        return way

    def _refuse_past_joins(self, id_: str, ways: Mapping[_Arrival, list[int]]) -> None:
        reached = [self._places[way[-1]].position if way else None for way in ways.values()]
        latest = None if None in reached else max(filter(None, reached), default=0)
        for arrival, way in ways.items():
            if way and self._places[way[-1]].position != latest:
                self._refuse(id_, arrival, self._left_too_early(way))

    def _left_too_early(self, way: list[int]) -> str:
        """Return the innermost container on the way that has a join of its own."""
        owners = [self._places[place].owner for place in way]
        return next((owner for owner in owners if self._joins[owner]), owners[-1])

    def _refuse_leaving(self, id_: str, ways: Mapping[_Arrival, list[int]]) -> None:
        """Refuse what only the arms of branches may do, and what would pass by a join inside."""
        for arrival, way in ways.items():
            for place in way:
                owner = self._places[place].owner
                container = self._nodes[owner].type.container
                is_alternative = container is not None and container.alternatives
                if not is_alternative or self._join_is_in(owner, way):
                    self._refuse(id_, arrival, owner)
                    break

    def _join_is_in(self, owner: str, way: list[int]) -> bool:
        """Whether the way passes by a node inside the containers it leaves where the owner goes on.

        A join that is drawn (`then`) counts also beside the way: the owner would run it as well.
        One that is found lies on every path, so that nothing can pass by it.
        """
        join, outer = self._joins[owner], self._places[way[-1]].owner
        place = self._where[join][0] if join in self._where else 0
        if place in way or not self._flows[owner].then:
            return place in way
        while place and self._places[place].owner != outer:
            place = self._places[place].parent
        return place > 0

    def _refuse(self, id_: str, arrival: _Arrival, owner: str) -> None:
        items = self._places[arrival.place].items
        source = arrival.edge.source if arrival.edge else items[-1]
        join = self._joins[owner]
        way_out = (
            f"lead it to {quoted(join)}, where {quoted(owner)} goes on"
            if join
            else f"give {quoted(owner)} a `then` edge to the node where its regions meet"
        )
        self.problems.append(
            Problem(
                path=arrival.edge.path if arrival.edge else f"nodes.{source}",
                message=f"the way from {quoted(source)} to {quoted(id_)} leaves a region of "
                f"{quoted(owner)} ({self._nodes[owner].type.name}) for a node that is not its "
                f"join: {way_out}",
                node_id=source,
            )
        )

    def _frozen(self) -> Structure:
        regions: dict[int, Region] = {}
        for place in reversed(range(len(self._places))):
            opened = self._places[place]
            regions[place] = Region(
                place=place,
                label=opened.label,
                steps=tuple(self._step(id_, regions) for id_ in opened.items),
                goes_on_at=opened.goes_on_at,
            )
        return Structure(
            root=regions[0],
            places=tuple(map(_fixed, self._places)),
            where=self._where,
            in_turn=frozenset(filter(self._runs_in_turn, self._arms)),
        )

    def _runs_in_turn(self, id_: str) -> bool:
        container = self._nodes[id_].type.container
        return container is not None and container.in_turn

    def _step(self, id_: str, regions: dict[int, Region]) -> Step:
        if id_ not in self._arms:
            return Step(node_id=id_)
        return Step(
            node_id=id_,
            regions=tuple(regions[place] for place in self._arms[id_]),
            shared=tuple(regions[place] for place in self._shared.get(id_, ())),
        )


def _fixed(opened: _Open) -> Place:
    return Place(
        parent=opened.parent,
        owner=opened.owner,
        label=opened.label,
        depth=opened.depth,
        position=opened.position,
        turn=opened.turn,
        feeds=frozenset(opened.feeds),
    )


def _joins(
    nodes: Mapping[str, Node], *, flows: Mapping[str, Flow], order: Sequence[str]
) -> dict[str, str | None]:
    """Return the join of each container: its `then`, or where two regions or more must meet."""
    around = {id_: _goes_on(flow) for id_, flow in flows.items()}
    dominators = PostDominators(order, around)
    return {
        id_: _join(flows[id_], dominators.of(id_)) for id_ in order if nodes[id_].type.container
    }


def _goes_on(flow: Flow) -> list[str]:
    """Return where a node surely goes on: a `then` stands for whatever the regions do."""
    return [flow.then.target] if flow.then else flow.targets


def _join(flow: Flow, dominator: str | None) -> str | None:
    if flow.then:
        return flow.then.target
    return dominator if len(_edges(flow.arms)) > 1 else None


def _edges(arms: tuple[Arm, ...]) -> list[Edge]:
    return [arm.edge for arm in arms if arm.edge]
