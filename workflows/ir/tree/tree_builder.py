"""Builds the tree from the graph: regions, joins by post-dominators, nodes that arms share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflows.ir.document.model import Edge, Node
from workflows.ir.document.region_tree import MAX_NESTING, Region, Step, Structure
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.tree.flow import Flow
from workflows.ir.tree.joins import joins
from workflows.ir.tree.open_regions import Arrival, Open


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
        self._joins = joins(nodes, flows=flows, order=order)
        self._places = [Open(parent=-1, owner="", label="", depth=0, position=0, turn=0, join=None)]
        self._arms: dict[str, list[int]] = {}
        self._shared: dict[str, list[int]] = {}
        self._where: dict[str, tuple[int, int]] = {}
        self._shares: list[tuple[str, int, list[Arrival]]] = []
        self._arrivals: dict[str, list[Arrival]] = {id_: [] for id_ in order}

    def build(self, entry: str) -> Structure:
        """Return the tree; it is meaningful only when `problems` stays empty. Raises TooDeep."""
        self._arrivals[entry].append(Arrival(0, None))
        for id_ in self._order:
            self._put(id_, self._place_for(id_))
            self._leave(id_)
        for id_, common, arrivals in self._shares:  # now that every join has its place
            self._refuse_leaving(id_, common, arrivals)
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
            self._arrive(join, Arrival(place, None))

    def _follow(self, edge: Edge | None, place: int) -> None:
        if edge:
            self._arrive(edge.target, Arrival(place, edge))

    def _arrive(self, target: str, arrival: Arrival) -> None:
        """Note a way; what is the join around the place is fallen through to at its end."""
        if self._places[arrival.place].join != target:
            self._arrivals[target].append(arrival)

    def _open(self, owner: str, *, label: str, turn: int) -> int:
        parent, position = self._where[owner]
        depth = self._places[parent].depth + 1
        if depth > MAX_NESTING:
            raise TooDeep(owner)
        self._places.append(
            Open(
                parent=parent,
                owner=owner,
                label=label,
                depth=depth,
                position=position,
                turn=turn,
                join=self._joins[owner] or self._places[parent].join,
            )
        )
        return len(self._places) - 1

    def _place_for(self, id_: str) -> int:
        arrivals = self._arrivals[id_]
        places = {arrival.place for arrival in arrivals}
        if len(places) == 1:
            return places.pop()
        return self._meet(id_, arrivals)

    def _meet(self, id_: str, arrivals: list[Arrival]) -> int:
        """Place a node that is reached from several regions and is not their join."""
        common = self._common({arrival.place for arrival in arrivals})
        tops = self._tops(arrivals, common)
        owners = {self._places[top].owner for top in tops.values() if top != common}
        if len(owners) > 1 or common in tops.values():
            self._refuse_past_joins(id_, common, arrivals)
            return common
        self._shares.append((id_, common, arrivals))
        return self._share(id_, owner=owners.pop(), tops=tops)

    def _share(self, id_: str, *, owner: str, tops: Mapping[int, int]) -> int:
        known = self._shared.setdefault(owner, [])
        shared = self._open(owner, label="", turn=len(self._arms[owner]) + len(known))
        known.append(shared)
        for place, top in tops.items():
            self._places[place].goes_on_at = id_
            self._places[top].feeds.add(shared)
        return shared

    def _common(self, places: set[int]) -> int:
        """Return the smallest place around all of these; each one on the way is left once."""
        common = places.pop()
        inside = {common}
        for other in places:
            way = []
            while other not in inside:
                if self._places[common].depth >= self._places[other].depth:
                    common = self._places[common].parent
                    inside.add(common)
                else:
                    way.append(other)
                    other = self._places[other].parent
            inside.update(way)
        return common

    def _tops(self, arrivals: list[Arrival], common: int) -> dict[int, int]:
        """Return the outermost place inside the common one that holds each place, by that place."""
        tops = {common: common}
        for arrival in arrivals:
            way = []
            place = arrival.place
            while place not in tops:
                way.append(place)
                place = self._places[place].parent
            top = way[-1] if place == common and way else tops[place]
            tops |= dict.fromkeys(way, top)
        return {arrival.place: tops[arrival.place] for arrival in arrivals}

    def _way_up(self, place: int, until: int) -> list[int]:
        """Return the places that are left on the way from one to another around it."""
        way = []
        while place != until:
            way.append(place)
            place = self._places[place].parent
        return way

    def _refuse_past_joins(self, id_: str, common: int, arrivals: list[Arrival]) -> None:
        ways = {arrival: self._way_up(arrival.place, common) for arrival in arrivals}
        reached = [self._places[way[-1]].position if way else None for way in ways.values()]
        latest = None if None in reached else max(filter(None, reached), default=0)
        for arrival, way in ways.items():
            if way and self._places[way[-1]].position != latest:
                self._refuse(id_, arrival, self._left_too_early(way))

    def _left_too_early(self, way: list[int]) -> str:
        """Return the innermost container on the way that has a join of its own."""
        owners = [self._places[place].owner for place in way]
        return next((owner for owner in owners if self._joins[owner]), owners[-1])

    def _refuse_leaving(self, id_: str, common: int, arrivals: list[Arrival]) -> None:
        """Refuse what only the arms of branches may do, and what would pass by a join inside."""
        known: dict[int, str] = {common: ""}
        for arrival in arrivals:
            way = []
            place = arrival.place
            while place not in known:
                way.append(place)
                place = self._places[place].parent
            for inner in reversed(way):
                outer = self._places[inner].parent
                known[inner] = self._not_to_be_left(inner, common) or known[outer]
            if known[arrival.place]:
                self._refuse(id_, arrival, known[arrival.place])

    def _not_to_be_left(self, place: int, common: int) -> str:
        """Return the container of a region that no way leaves for a node beyond, "" for others."""
        owner = self._places[place].owner
        container = self._nodes[owner].type.container
        is_alternative = container is not None and container.alternatives
        return owner if not is_alternative or self._join_is_in(place, common) else ""

    def _join_is_in(self, place: int, common: int) -> bool:
        """Whether the container goes on inside what is left from its region up to the common place.

        A join that is drawn (`then`) counts also beside the way: the owner would run it as well.
        One that is found lies on every path, so that nothing can pass by it.
        """
        owner = self._places[place].owner
        join = self._joins[owner]
        if join is None or join not in self._where:
            return False
        way = self._way_up(place, common)
        held = self._where[join][0]
        if held in way or not self._flows[owner].then:
            return held in way
        outer = self._places[way[-1]].owner
        while held and self._places[held].owner != outer:
            held = self._places[held].parent
        return held > 0

    def _refuse(self, id_: str, arrival: Arrival, owner: str) -> None:
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
        for opened in self._places:  # what leads to a shared region has a lower number
            for fed in opened.feeds:
                self._places[fed].led_by |= opened.led_by | 1 << opened.turn
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
            places=tuple(opened.fixed() for opened in self._places),
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
