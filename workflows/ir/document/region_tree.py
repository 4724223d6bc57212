"""The structured tree that a graph means: steps in a row, some of which hold regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MAX_NESTING: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Steps in a row.

    `place` is its number in the structure. `goes_on_at` is the node at the head of a shared region
    that runs next because this one ran to its end; "" where it simply ends.
    """

    place: int
    label: str
    steps: tuple[Step, ...]
    goes_on_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node, its regions, and the regions that several of those lead to before the join."""

    node_id: str
    regions: tuple[Region, ...] = ()
    shared: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a region stands: in which one, as part of which container, and which run after it.

    `position` counts the steps of the parent up to the container, `turn` the regions of the
    container before this one; `feeds` are the places of shared regions that it leads to, `led_by` has
    the bit of each turn whose region leads to this one, by whatever others.
    """

    parent: int
    owner: str
    label: str
    depth: int
    position: int
    turn: int
    feeds: frozenset[int]
    led_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The tree; `where` finds a node (place and position), `in_turn` names the containers whose
    regions run one after another."""

    root: Region
    places: tuple[Place, ...]
    where: Mapping[str, tuple[int, int]]
    in_turn: frozenset[str] = frozenset()

    def common(self, one: int, other: int) -> int:
        """Return the smallest place that holds both."""
        places = self.places
        while one != other:
            if places[one].depth >= places[other].depth:
                one = places[one].parent
            else:
                other = places[other].parent
        return one

    def position_in(self, place: int, node_id: str) -> tuple[int, int]:
        """Return the position in that place of the node or of the container that holds it, and the
        container's place on the way (-1 when the node itself stands there)."""
        here, position = self.where[node_id]
        inner = -1
        while here != place:
            inner, position, here = here, self.places[here].position, self.places[here].parent
        return position, inner

    def is_inside(self, node_id: str, container_id: str) -> bool:
        """Whether the node stands in a region of the container."""
        around = self.outwards(self.where[node_id][0])
        return any(self.places[place].owner == container_id for place in around)

    def outwards(self, place: int, *, until: int = 0) -> Iterator[int]:
        """Yield the places from the inner one outwards, without the outer one at which they end."""
        while place != until:
            yield place
            place = self.places[place].parent

    def precedes(self, earlier: str, later: str) -> bool:
        """Whether the one node can have run when the other one runs."""
        common = self.common(self.where[earlier][0], self.where[later][0])
        before, inner = self.position_in(common, earlier)
        after, other = self.position_in(common, later)
        if before != after or inner < 0 or other < 0:
            return before < after
        if self.places[inner].owner in self.in_turn:
            return self.places[inner].turn < self.places[other].turn
        return bool(self.places[other].led_by >> self.places[inner].turn & 1)
