"""The region tree of a document, as mutable objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.ir.document import region_tree
from workflows.ir.document.region_tree import Structure


@dataclass(slots=True, eq=False)
class Region:
    """Blocks that run one after another; `next` is the shared region that follows, if any."""

    label: str = ""
    blocks: list[Block] = field(default_factory=list)
    next: Region | None = None


@dataclass(slots=True, eq=False)
class Block:
    """A node with what is inside it; `shared` are regions that several of its arms lead to."""

    node_id: str
    regions: list[Region] = field(default_factory=list)
    shared: list[Region] = field(default_factory=list)

    @property
    def all_regions(self) -> list[Region]:
        """The arms, and after them the shared regions."""
        return [*self.regions, *self.shared]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a block is: its region, the position there, and the block whose region it is."""

    region: Region
    index: int
    owner: Block | None

    @property
    def block(self) -> Block:
        return self.region.blocks[self.index]


def tree_of(structure: Structure) -> Region:
    """Return the root of a mutable tree."""
    heads: dict[str, Region] = {}
    pending: list[tuple[Region, str]] = []
    root = _region(structure.root, heads, pending)
    for region, head in pending:
        region.next = heads[head]
    return root


def _region(
    source: region_tree.Region, heads: dict[str, Region], pending: list[tuple[Region, str]]
) -> Region:
    region = Region(label=source.label)
    for step in source.steps:
        block = Block(step.node_id)
        block.regions = [_region(inner, heads, pending) for inner in step.regions]
        for inner in step.shared:
            shared = _region(inner, heads, pending)
            heads[inner.steps[0].node_id] = shared
            block.shared.append(shared)
        region.blocks.append(block)
    if source.continues_at:
        pending.append((region, source.continues_at))
    return region


def blocks_in(region: Region) -> Iterator[Block]:
    """Yield all blocks of a region in the order in which they are written, at any depth."""
    stack = list(reversed(region.blocks))
    while stack:
        block = stack.pop()
        yield block
        for inner in reversed(block.all_regions):
            stack.extend(reversed(inner.blocks))


def ids_in(block: Block) -> list[str]:
    """Return the node of the block and all nodes inside it."""
    return [inner.node_id for inner in blocks_in(Region(blocks=[block]))]


def locations(root: Region) -> dict[str, Location]:
    """Return where each node's block is."""
    found: dict[str, Location] = {}
    stack: list[tuple[Region, Block | None]] = [(root, None)]
    while stack:
        region, owner = stack.pop()
        for index, block in enumerate(region.blocks):
            found[block.node_id] = Location(region, index, owner)
            stack += [(inner, block) for inner in block.all_regions]
    return found


def tidy(root: Region) -> None:
    """Remove shared regions that are empty, or that fewer than two regions lead to.

    A region that is the only one to lead to a shared region takes over its blocks.
    """
    for block in list(blocks_in(root)):
        while _tidy_one(block):
            pass


def _tidy_one(block: Block) -> bool:
    for shared in block.shared:
        sources = [region for region in _regions_inside(block) if region.next is shared]
        if shared.blocks and len(sources) > 1:
            continue
        for region in sources:
            region.blocks += shared.blocks
            region.next = shared.next
        block.shared.remove(shared)
        return True
    return False


def _regions_inside(block: Block) -> Iterator[Region]:
    stack = [block]
    while stack:
        current = stack.pop()
        for region in current.all_regions:
            yield region
            stack += region.blocks


def leads_outside(block: Block) -> bool:
    """Whether a region inside the block continues in a shared region that is not inside it."""
    inside = [region for inner in blocks_in(Region(blocks=[block])) for region in inner.shared]
    return any(
        region.next is not None and region.next not in inside for region in _regions_inside(block)
    )
