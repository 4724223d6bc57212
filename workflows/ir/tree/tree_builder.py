"""Builds the tree from the graph: regions, joins, and regions that several arms share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.ir.document.model import Edge, Node
from workflows.ir.document.region_tree import MAX_NESTING, Region, RegionInfo, Step, Structure
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.tree.flow import Flow, joins


class TooDeep(Exception):
    """Containers nest deeper than MAX_NESTING."""

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.node_id = node_id


@dataclass(slots=True, kw_only=True)
class _OpenRegion:
    """A region under construction; `join` is that of the nearest enclosing container that has one."""

    parent: int
    owner: str
    label: str
    depth: int
    position: int
    index: int
    join: str | None
    node_ids: list[str] = field(default_factory=list)
    continues_at: str = ""
    leads_to: set[int] = field(default_factory=set)
    reached_from: int = 0

    def info(self) -> RegionInfo:
        return RegionInfo(
            parent=self.parent,
            owner=self.owner,
            label=self.label,
            depth=self.depth,
            position=self.position,
            index=self.index,
            leads_to=frozenset(self.leads_to),
            reached_from=self.reached_from,
        )


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A path into a node: from the end of a region, along an edge (None: from a container to its join)."""

    region: int
    edge: Edge | None


class Builder:
    """Assigns each node to a region, in topological order, and collects problems.

    A problem is a path that leaves a region for a node that is not the container's join.
    """

    def __init__(
        self, nodes: Mapping[str, Node], *, flows: Mapping[str, Flow], order: Sequence[str]
    ) -> None:
        self.problems: list[Problem] = []
        self._nodes = nodes
        self._flows = flows
        self._order = order
        self._joins = joins(nodes, flows=flows, order=order)
        root = _OpenRegion(parent=-1, owner="", label="", depth=0, position=0, index=0, join=None)
        self._regions = [root]
        self._arms: dict[str, list[int]] = {}
        self._shared: dict[str, list[int]] = {}
        self._locations: dict[str, tuple[int, int]] = {}
        self._shared_heads: list[tuple[str, int, list[_Arrival]]] = []
        self._arrivals: dict[str, list[_Arrival]] = {id_: [] for id_ in order}

    def build(self, entry: str) -> Structure:
        """Return the tree, which is only valid if `problems` is empty.

        Raises TooDeep if containers nest too deeply.
        """
        self._arrivals[entry].append(_Arrival(0, None))
        for id_ in self._order:
            self._add(id_, self._region_for(id_))
            self._follow_edges(id_)
        for id_, common, arrivals in self._shared_heads:  # every join has its region by now
            self._check_exits(id_, common, arrivals)
        return self._structure()

    def _add(self, id_: str, region: int) -> None:
        node_ids = self._regions[region].node_ids
        self._locations[id_] = (region, len(node_ids))
        node_ids.append(id_)

    def _follow_edges(self, id_: str) -> None:
        """Open the regions of a node that has just been added, and note where its edges arrive."""
        region, flow = self._locations[id_][0], self._flows[id_]
        if self._nodes[id_].type.container:
            arms = [
                self._open(id_, label=arm.label, index=index) for index, arm in enumerate(flow.arms)
            ]
            self._arms[id_] = arms
            for arm, inner in zip(flow.arms, arms, strict=True):
                self._follow(arm.edge, inner)
        join = self._joins.get(id_)
        if flow.then:
            self._follow(flow.then, region)
        elif join:
            self._arrive(join, _Arrival(region, None))

    def _follow(self, edge: Edge | None, region: int) -> None:
        if edge:
            self._arrive(edge.target, _Arrival(region, edge))

    def _arrive(self, target: str, arrival: _Arrival) -> None:
        """Record the arrival, unless the target is the join that the region leads to anyway."""
        if self._regions[arrival.region].join != target:
            self._arrivals[target].append(arrival)

    def _open(self, owner: str, *, label: str, index: int) -> int:
        parent, position = self._locations[owner]
        depth = self._regions[parent].depth + 1
        if depth > MAX_NESTING:
            raise TooDeep(owner)
        self._regions.append(
            _OpenRegion(
                parent=parent,
                owner=owner,
                label=label,
                depth=depth,
                position=position,
                index=index,
                join=self._joins[owner] or self._regions[parent].join,
            )
        )
        return len(self._regions) - 1

    def _region_for(self, id_: str) -> int:
        arrivals = self._arrivals[id_]
        regions = {arrival.region for arrival in arrivals}
        if len(regions) == 1:
            return regions.pop()
        return self._merge(id_, arrivals)

    def _merge(self, id_: str, arrivals: list[_Arrival]) -> int:
        """Return the region of a node that is reached from several regions and is not their join."""
        common = self._common({arrival.region for arrival in arrivals})
        tops = self._outermost(arrivals, common)
        owners = {self._regions[top].owner for top in tops.values() if top != common}
        if len(owners) > 1 or common in tops.values():
            self._refuse_skipped_joins(id_, common, arrivals)
            return common
        self._shared_heads.append((id_, common, arrivals))
        return self._open_shared(id_, owner=owners.pop(), tops=tops)

    def _open_shared(self, id_: str, *, owner: str, tops: Mapping[int, int]) -> int:
        shared = self._shared.setdefault(owner, [])
        new = self._open(owner, label="", index=len(self._arms[owner]) + len(shared))
        shared.append(new)
        for region, top in tops.items():
            self._regions[region].continues_at = id_
            self._regions[top].leads_to.add(new)
        return new

    def _common(self, regions: set[int]) -> int:
        """Return the innermost region around all of these; each region on the way is visited once."""
        common = regions.pop()
        inside = {common}
        for other in regions:
            path = []
            while other not in inside:
                if self._regions[common].depth >= self._regions[other].depth:
                    common = self._regions[common].parent
                    inside.add(common)
                else:
                    path.append(other)
                    other = self._regions[other].parent
            inside.update(path)
        return common

    def _outermost(self, arrivals: list[_Arrival], common: int) -> dict[int, int]:
        """Return for each region the outermost region that holds it inside the common one."""
        tops = {common: common}
        for arrival in arrivals:
            path, outer = self._path_to(tops, arrival.region)
            top = path[-1] if outer == common and path else tops[outer]
            tops |= dict.fromkeys(path, top)
        return {arrival.region: tops[arrival.region] for arrival in arrivals}

    def _path_to(self, ends: Collection[int], region: int) -> tuple[list[int], int]:
        """Return the regions from this one outwards, and the first of `ends` around them."""
        path = []
        while region not in ends:
            path.append(region)
            region = self._regions[region].parent
        return path, region

    def _refuse_skipped_joins(self, id_: str, common: int, arrivals: list[_Arrival]) -> None:
        paths = {arrival: self._path_to((common,), arrival.region)[0] for arrival in arrivals}
        reached = [self._regions[path[-1]].position if path else None for path in paths.values()]
        latest = None if None in reached else max(filter(None, reached), default=0)
        for arrival, path in paths.items():
            if path and self._regions[path[-1]].position != latest:
                self._refuse(id_, arrival, self._left_container(path))

    def _left_container(self, path: list[int]) -> str:
        """Return the innermost container on the path that has its own join."""
        owners = [self._regions[region].owner for region in path]
        return next((owner for owner in owners if self._joins[owner]), owners[-1])

    def _check_exits(self, id_: str, common: int, arrivals: list[_Arrival]) -> None:
        """Reject paths out of anything but the arms of branches, and paths that skip a join."""
        blockers: dict[int, str] = {common: ""}
        for arrival in arrivals:
            path, _ = self._path_to(blockers, arrival.region)
            for inner in reversed(path):
                outer = self._regions[inner].parent
                blockers[inner] = self._blocker(inner, common) or blockers[outer]
            if blockers[arrival.region]:
                self._refuse(id_, arrival, blockers[arrival.region])

    def _blocker(self, region: int, common: int) -> str:
        """Return the container of a region that no path may leave, "" if paths may leave it."""
        owner = self._regions[region].owner
        container = self._nodes[owner].type.container
        is_alternative = container is not None and container.alternatives
        return owner if not is_alternative or self._skips_join(region, common) else ""

    def _skips_join(self, region: int, common: int) -> bool:
        """Whether a path from the region to the common one would skip the container's join.

        A join that is drawn (`then`) counts even if it is not on the path, because it runs anyway.
        A join that is derived is on every path, so that nothing can skip it.
        """
        owner = self._regions[region].owner
        join = self._joins[owner]
        if join is None or join not in self._locations:
            return False
        path, _ = self._path_to((common,), region)
        holder = self._locations[join][0]
        if holder in path or not self._flows[owner].then:
            return holder in path
        outer = self._regions[path[-1]].owner
        while holder and self._regions[holder].owner != outer:
            holder = self._regions[holder].parent
        return holder > 0

    def _refuse(self, id_: str, arrival: _Arrival, owner: str) -> None:
        node_ids = self._regions[arrival.region].node_ids
        source = arrival.edge.source if arrival.edge else node_ids[-1]
        join = self._joins[owner]
        advice = (
            f"connect it to {quoted(join)}, where {quoted(owner)} continues"
            if join
            else f"give {quoted(owner)} a `then` edge to the node where its regions meet"
        )
        self.problems.append(
            Problem(
                path=arrival.edge.path if arrival.edge else f"nodes.{source}",
                message=f"the path from {quoted(source)} to {quoted(id_)} leaves a region of "
                f"{quoted(owner)} ({self._nodes[owner].type.name}) for a node that is not its "
                f"join: {advice}",
                node_id=source,
            )
        )

    def _structure(self) -> Structure:
        for region in self._regions:  # a shared region has a higher id than those that lead to it
            for shared in region.leads_to:
                self._regions[shared].reached_from |= region.reached_from | 1 << region.index
        frozen: dict[int, Region] = {}
        for id_ in reversed(range(len(self._regions))):
            region = self._regions[id_]
            frozen[id_] = Region(
                id=id_,
                label=region.label,
                steps=tuple(self._step(node_id, frozen) for node_id in region.node_ids),
                continues_at=region.continues_at,
            )
        return Structure(
            root=frozen[0],
            regions=tuple(region.info() for region in self._regions),
            locations=self._locations,
            sequential=frozenset(filter(self._is_sequential, self._arms)),
        )

    def _is_sequential(self, id_: str) -> bool:
        container = self._nodes[id_].type.container
        return container is not None and container.sequential

    def _step(self, id_: str, regions: dict[int, Region]) -> Step:
        if id_ not in self._arms:
            return Step(node_id=id_)
        return Step(
            node_id=id_,
            regions=tuple(regions[region] for region in self._arms[id_]),
            shared=tuple(regions[region] for region in self._shared.get(id_, ())),
        )
