"""The slots of a document, and those to which nodes can be moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workflows.editing.document.needs import Needs
from workflows.editing.document.tree import blocks_in, ids_in, leads_outside, tree_of
from workflows.editing.document.workbench import OpenDocument, Slot, Workbench
from workflows.editing.structure import selected_blocks
from workflows.ir.document.region_tree import Region, Structure
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSlot:
    """A slot with its region in the tree and its position: half a step after the node before it."""

    slot: Slot
    region: int
    position: float


def all_slots(opened: OpenDocument) -> list[PlacedSlot]:
    """Return every slot, in the order in which an outline shows them.

    There is no slot after a container with an arm that leads to a node outside it.
    """
    blocks = blocks_in(tree_of(opened.draft.structure))
    left = {block.node_id for block in blocks if leads_outside(block)}
    return [each for each in _slots(opened.draft.structure) if each.slot.after not in left]


def _slots(structure: Structure) -> Iterator[PlacedSlot]:
    stack: list[Region | PlacedSlot] = [structure.root]
    while stack:
        part = stack.pop()
        if isinstance(part, PlacedSlot):
            yield part
            continue
        info = structure.regions[part.id]
        start = Slot(owner=info.owner, region=info.index)
        yield PlacedSlot(slot=start, region=part.id, position=-0.5)
        following: list[Region | PlacedSlot] = []
        for index, step in enumerate(part.steps):
            after = PlacedSlot(slot=Slot(after=step.node_id), region=part.id, position=index + 0.5)
            following += [*step.regions, *step.shared, after]
        stack += reversed(following)


def slots_for(opened: OpenDocument, node_ids: Sequence[str]) -> list[Slot]:
    """Return the slots to which these nodes can be moved; raises Refused for unknown nodes.

    In other slots, a node would use an output that does not exist yet, or a name of a loop that it
    has left.
    """
    bench = Workbench(opened)
    blocks = selected_blocks(bench, node_ids)
    if any(map(leads_outside, blocks)):
        return []
    moved = {id_ for block in blocks for id_ in ids_in(block)}
    check = _MoveCheck(opened, moved)
    return [placed.slot for placed in all_slots(opened) if check.allows(placed)]


class _MoveCheck:
    """Decides for each slot whether a set of nodes can be moved there."""

    def __init__(self, opened: OpenDocument, moved: set[str]) -> None:
        self._structure = opened.draft.structure
        self._scopes = Scopes(opened.draft.nodes, self._structure)
        self._moved = moved
        needs = opened.needs
        none = Needs()
        read = {id_ for inner in moved for id_ in needs.get(inner, none).outputs} - moved
        readers = {id_ for id_, each in needs.items() if each.outputs & moved} - moved
        self._read = self._first_of_each_region(read, reverse=True)
        self._readers = self._first_of_each_region(readers)
        provided = {
            name
            for region_id, region in enumerate(self._structure.regions)
            if region.owner in moved
            for name in self._scopes.inner_names(region_id)
        }
        self._names = {name for id_ in moved for name in needs.get(id_, none).names} - provided

    def _first_of_each_region(self, ids: set[str], *, reverse: bool = False) -> list[str]:
        """Return the first or last node of each region, which determines the others."""
        at = self._structure.locations
        first: dict[int, str] = {}
        for id_ in sorted(ids, key=lambda id_: at[id_], reverse=reverse):
            first.setdefault(at[id_][0], id_)
        return list(first.values())

    def allows(self, placed: PlacedSlot) -> bool:
        owners = {
            self._structure.regions[region].owner
            for region in self._structure.enclosing(placed.region)
        }
        if owners & self._moved:
            return False
        if not self._scopes.names_in(placed.region) >= self._names:
            return False
        structure, here = self._structure, (placed.region, placed.position)
        at = structure.locations
        return all(structure.is_before(at[id_], here) for id_ in self._read) and all(
            id_ in owners or structure.is_before(here, at[id_]) for id_ in self._readers
        )
