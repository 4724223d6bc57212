"""The graph of a document as a tree: regions of steps, and steps that hold regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MAX_NESTING: Final = 100

Location = tuple[int, float]
"""A region id and a position there; between two steps, the position is half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Steps that run one after another.

    `id` is its index in `Structure.regions`. `continues_at` is the first node of the shared region
    that runs next if this one runs to its end; "" if there is none.
    """

    id: int
    label: str
    steps: tuple[Step, ...]
    continues_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node with its regions, and the shared regions that several of those lead to before the join."""

    node_id: str
    regions: tuple[Region, ...] = ()
    shared: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionInfo:
    """Where a region is in the tree.

    `parent` is the region around it, `owner` the id of its container ("" for the root), `position`
    the position of that container in the parent, and `index` that of the region in its container.
    `leads_to` are the shared regions that run after this one. `reached_from` is a bit mask of the
    indices of all regions that lead here, directly or through other shared regions.
    """

    parent: int
    owner: str
    label: str
    depth: int
    position: int
    index: int
    leads_to: frozenset[int]
    reached_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The tree of a document.

    `regions` is indexed by region id, outer regions before inner ones. `locations` maps a node id to
    its region id and its position there. `sequential` holds the containers whose regions run one
    after another.
    """

    root: Region
    regions: tuple[RegionInfo, ...]
    locations: Mapping[str, tuple[int, int]]
    sequential: frozenset[str] = frozenset()

    def common(self, first: int, second: int) -> int:
        """Return the innermost region that contains both regions."""
        regions = self.regions
        while first != second:
            if regions[first].depth >= regions[second].depth:
                first = regions[first].parent
            else:
                second = regions[second].parent
        return first

    def position_in(self, region_id: int, node_id: str) -> tuple[int, int]:
        """Return the position in the region of the node, or of the container that holds it.

        The second value is the region of that container on the way to the node, -1 for the node itself.
        """
        position, inner = self._position_of(self.locations[node_id], region_id)
        return int(position), inner

    def _position_of(self, location: Location, region_id: int) -> tuple[float, int]:
        current, position = location
        inner = -1
        while current != region_id:
            info = self.regions[current]
            inner, position, current = current, info.position, info.parent
        return position, inner

    def is_inside(self, node_id: str, container_id: str) -> bool:
        """Whether the node is in a region of the container, at any depth."""
        enclosing = self.enclosing(self.locations[node_id][0])
        return any(self.regions[id_].owner == container_id for id_ in enclosing)

    def enclosing(self, region_id: int, *, until: int = 0) -> Iterator[int]:
        """Yield the region and those around it, innermost first, without `until`."""
        while region_id != until:
            yield region_id
            region_id = self.regions[region_id].parent

    def precedes(self, earlier: str, later: str) -> bool:
        """Whether the node `earlier` can have run when the node `later` runs."""
        return self.is_before(self.locations[earlier], self.locations[later])

    def is_before(self, earlier: Location, later: Location) -> bool:
        """Whether the node at one location can have run when the node at the other one runs."""
        common = self.common(earlier[0], later[0])
        earlier_position, earlier_region = self._position_of(earlier, common)
        later_position, later_region = self._position_of(later, common)
        if earlier_position != later_position or earlier_region < 0 or later_region < 0:
            return earlier_position < later_position
        first, second = self.regions[earlier_region], self.regions[later_region]
        if first.owner in self.sequential:
            return first.index < second.index
        return bool(second.reached_from >> first.index & 1)
