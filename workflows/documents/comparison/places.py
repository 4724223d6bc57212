"""Where the nodes of a document are, in data and in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.region_tree import Region
from workflows.picture.labels import arm_label

RegionKey = tuple[str, int]
"""A container ("" for the root) and the index of a region in it: first arms, then shared regions."""

ROOT: Final[RegionKey] = ("", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionView:
    """A region: its label, the nodes directly in it, and the node at which it continues, if any."""

    label: str
    node_ids: tuple[str, ...]
    continues_at: str
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """All regions of a document, and the region of each node, in the order in which nodes run."""

    ir: WorkflowIR
    regions: dict[RegionKey, RegionView] = field(default_factory=dict)
    region_of: dict[str, RegionKey] = field(default_factory=dict)
    keys_of: dict[str, list[RegionKey]] = field(default_factory=lambda: defaultdict(list))

    def name(self, node_id: str) -> str:
        return f"\u201c{self.ir.nodes[node_id].name}\u201d"

    def words(self, node_id: str) -> str:
        """Describe where a node is."""
        key = self.region_of[node_id]
        view = self.regions[key]
        _, at = self.ir.structure.locations[node_id]
        if at:
            return f"after {self.name(view.node_ids[at - 1])}"
        return f"at the start of {self.region_words(key)}"

    def region_words(self, key: RegionKey) -> str:
        """Describe a region."""
        owner, index = key
        if not owner:
            return "the workflow"
        if self.regions[key].is_shared:
            return f"where the arms of {self.name(owner)} meet"
        label = arm_label(self.ir.nodes[owner], self.regions[key].label)
        arm = f"the arm \u201c{label}\u201d" if label else f"arm {index + 1}"
        return f"{arm} of {self.name(owner)}"

    def arms_text(self, owner: str) -> str:
        """Describe the arms of a container, one on each line."""
        return "\n".join(map(self._arm_text, self.keys_of[owner]))

    def _arm_text(self, key: RegionKey) -> str:
        view = self.regions[key]
        named = "Where arms meet" if view.is_shared else view.label or f"Arm {key[1] + 1}"
        first = f": {self.name(view.node_ids[0])}" if view.node_ids else ""
        to = f", continues at {self.name(view.continues_at)}" if view.continues_at else ""
        return f"{named}{first}{to}"


def places_of(ir: WorkflowIR) -> Places:
    """Return the places of a document's nodes."""
    places = Places(ir)
    stack: list[tuple[RegionKey, Region, bool]] = [(ROOT, ir.structure.root, False)]
    while stack:
        key, region, is_shared = stack.pop()
        places.regions[key] = RegionView(
            label=region.label,
            node_ids=tuple(step.node_id for step in region.steps),
            continues_at=region.continues_at,
            is_shared=is_shared,
        )
        for step in region.steps:
            places.region_of[step.node_id] = key
            inner = [*step.regions, *step.shared]
            for index, each in enumerate(inner):
                places.keys_of[step.node_id].append((step.node_id, index))
                stack.append(((step.node_id, index), each, index >= len(step.regions)))
    return places


def in_order(ir: WorkflowIR) -> Iterator[str]:
    """Yield the nodes as an outline lists them."""
    stack = list(reversed(ir.structure.root.steps))
    while stack:
        step = stack.pop()
        yield step.node_id
        for inner in reversed([*step.regions, *step.shared]):
            stack.extend(reversed(inner.steps))
