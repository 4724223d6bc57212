"""Upper bounds for one run: weights of nodes, summed up over the tree in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure

MAX_TOTAL: Final = 10**9  # larger totals are cut to this


class Totals:
    """The maximum for one run.

    Arms that run concurrently add up; only the largest arm of a branch counts. A loop multiplies if
    the number of its iterations is known, and counts once if not. Breaks and failures are ignored.
    `by_region` is indexed by region id, `by_container` by the node id of a container.
    """

    def __init__(
        self, nodes: Mapping[str, Node], structure: Structure, weigh: Callable[[Node], int]
    ) -> None:
        self._nodes = nodes
        self._structure = structure
        self._weigh = weigh
        self._regions: dict[str, list[int]] = {}
        self.by_region = [0] * len(structure.regions)
        self.by_container: dict[str, int] = {}
        self._add_up()

    @property
    def run(self) -> int:
        """The total of the whole run."""
        return self.by_region[self._structure.root.id]

    def _add_up(self) -> None:
        """Add up from the inside: inner regions have higher ids than those around them."""
        node_ids: list[list[str]] = [[] for _ in self.by_region]
        for region_id, region in enumerate(self._structure.regions):
            if region.owner:
                self._regions.setdefault(region.owner, []).append(region_id)
        for id_ in self._nodes:
            node_ids[self._structure.locations[id_][0]].append(id_)
        for region_id in reversed(range(len(self.by_region))):
            self.by_region[region_id] = min(sum(map(self._total, node_ids[region_id])), MAX_TOTAL)

    def _total(self, id_: str) -> int:
        node = self._nodes[id_]
        container = node.type.container
        if container is None:
            return self._weigh(node)
        regions = self._regions.get(id_, [])
        if container.alternatives:
            inside = self._largest(regions)
        else:
            inside = sum(self.by_region[region_id] for region_id in regions)
        times = container.max_iterations(node.settings) if container.max_iterations else 1
        total = self._weigh(node) + inside * (1 if times is None else times)
        self.by_container[id_] = min(total, MAX_TOTAL)
        return self.by_container[id_]

    def _largest(self, regions: list[int]) -> int:
        """Return the largest total of an arm together with the shared regions that it leads to.

        Shared regions have higher ids than the arms that lead to them.
        """
        totals: dict[int, int] = {}
        for region_id in reversed(regions):
            shared = self._structure.regions[region_id].leads_to
            totals[region_id] = self.by_region[region_id] + max(
                map(totals.__getitem__, shared), default=0
            )
        return max(totals.values(), default=0)
