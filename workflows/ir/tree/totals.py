"""How often something can happen in one run: sums over the tree, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure

MOST: Final = 10**9  # no sum goes on beyond it


class Totals:
    """Sums of what nodes weigh: arms that run together add up, of a branch the largest one counts.

    A loop multiplies where it is known how often it runs, and counts once where it is not; what a
    `break` or a failure saves is not known before the run. `at` holds the sums by place, `of` those
    of the containers by node id.
    """

    def __init__(
        self, nodes: Mapping[str, Node], structure: Structure, weigh: Callable[[Node], int]
    ) -> None:
        self._nodes = nodes
        self._structure = structure
        self._weigh = weigh
        self._regions: dict[str, list[int]] = {}
        self.at = [0] * len(structure.places)
        self.of: dict[str, int] = {}
        self._add_up()

    @property
    def run(self) -> int:
        """The most that one run comes to."""
        return self.at[self._structure.root.place]

    def _add_up(self) -> None:
        """Inner places have higher numbers than those around them."""
        standing: list[list[str]] = [[] for _ in self.at]
        for number, place in enumerate(self._structure.places):
            if place.owner:
                self._regions.setdefault(place.owner, []).append(number)
        for id_ in self._nodes:
            standing[self._structure.where[id_][0]].append(id_)
        for outer in reversed(range(len(self.at))):
            self.at[outer] = min(sum(map(self._total, standing[outer])), MOST)

    def _total(self, id_: str) -> int:
        node = self._nodes[id_]
        container = node.type.container
        if container is None:
            return self._weigh(node)
        regions = self._regions.get(id_, [])
        if container.alternatives:
            inside = self._largest(regions)
        else:
            inside = sum(self.at[place] for place in regions)
        times = container.times(node.settings) if container.times else 1
        total = self._weigh(node) + inside * (1 if times is None else times)
        self.of[id_] = min(total, MOST)
        return self.of[id_]

    def _largest(self, regions: list[int]) -> int:
        """Return the most of one arm together with the shared nodes that it leads to.

        Those have higher numbers than what leads to them.
        """
        through: dict[int, int] = {}
        for place in reversed(regions):
            feeds = self._structure.places[place].feeds
            through[place] = self.at[place] + max((through[fed] for fed in feeds), default=0)
        return max(through.values(), default=0)
