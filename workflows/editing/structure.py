"""Operations on the tree: adding, moving, copying, deleting and wrapping nodes."""

from __future__ import annotations

from collections.abc import Collection

from workflows.editing import fragments
from workflows.editing.arguments import Arguments
from workflows.editing.arms import labels_of_arms
from workflows.editing.document.refusals import Refused
from workflows.editing.document.tree import (
    Block,
    Location,
    Region,
    ids_in,
    leads_outside,
    locations,
)
from workflows.editing.document.workbench import JsonObject, Workbench
from workflows.editing.outcome import PLACE, Outcome, Touch
from workflows.ir.document.node_types import NodeType
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR, quoted
from workflows.ir.validation.validate import read_json
from workflows.nodes import branch


def add(bench: Workbench, arguments: Arguments) -> Outcome:
    """Add a node of the type `node_type` at `slot`, with its own `name` and `data` if given."""
    type_ = bench.type_named(arguments.text("node_type"))
    data = arguments.object("data") if arguments.has("data") else None
    name = arguments.text("name", "")
    if problem := name and name_problem(name):
        raise Refused(f"The name {problem}.")
    region, index = bench.place(arguments.slot())
    block = bench.new_node(type_, name=name, data=data)
    block.regions = _new_regions(bench, type_, block.node_id)
    bench.insert([block], region, index)
    return Outcome(summary=f"Added {bench.called(block.node_id)}", selected=block.node_id)


def _new_regions(bench: Workbench, type_: NodeType, node_id: str) -> list[Region]:
    """Return the regions of a new container; those that must not be empty contain a step."""
    container = type_.container
    if container is None:
        return []
    if container.labels is None:
        return [Region(blocks=[bench.placeholder()]) for _ in range(2)]
    return [
        Region(label=label, blocks=[bench.placeholder()] if label in container.required else [])
        for label in labels_of(bench.nodes[node_id], type_)
    ]


def labels_of(item: JsonObject, type_: NodeType) -> list[str]:
    """Return the labels of a container's arms; empty if its arms have no labels."""
    if type_.name == branch.TYPE.name:
        return labels_of_arms(item["data"].get("branches"), item["id"])
    return list(type_.container.labels(None)) if type_.container and type_.container.labels else []


def move(bench: Workbench, arguments: Arguments) -> Outcome:
    """Move `nodes`, with everything inside them, to `slot`."""
    moved = selected_blocks(bench, arguments.texts("nodes"))
    slot = arguments.slot()
    inside = {id_ for block in moved for id_ in ids_in(block)}
    if slot.owner in inside and not slot.after:
        raise Refused(f"{bench.called(slot.owner)} cannot be moved into itself.")
    region, index = bench.place(slot)
    if slot.after in inside and slot.after not in {block.node_id for block in moved}:
        raise Refused(f"{bench.called(moved[0].node_id)} cannot be moved into itself.")
    for block in moved:
        _refuse_if_leading_outside(bench, block, "moved")
    marker = Block("")
    region.blocks.insert(index, marker)
    bench.remove(moved)
    index = region.blocks.index(marker)
    region.blocks.remove(marker)
    bench.insert(moved, region, index)
    return Outcome(
        summary=f"Moved {_listed(bench, moved)}",
        touched=tuple((block.node_id, PLACE) for block in moved),
        selected=moved[0].node_id,
    )


def delete(bench: Workbench, arguments: Arguments) -> Outcome:
    """Delete `nodes` with everything inside them."""
    deleted = selected_blocks(bench, arguments.texts("nodes"))
    summary = f"Deleted {_listed(bench, deleted)}"
    touched: list[Touch] = []
    for block in deleted:
        _refuse_if_leading_outside(bench, block, "deleted")
        touched += [(id_, "") for id_ in ids_in(block)]
    selected = _neighbor(bench, deleted[0])
    bench.remove(deleted)
    for block in deleted:
        bench.forget(block)
    return Outcome(
        summary=summary,
        touched=tuple(touched),
        selected=selected if selected in bench.nodes else "",
    )


def _neighbor(bench: Workbench, block: Block) -> str:
    """Return the node before, after or around a block."""
    location = bench.locate(block.node_id)
    siblings = location.region.blocks
    if location.index:
        return siblings[location.index - 1].node_id
    if len(siblings) > 1:
        return siblings[1].node_id
    return location.owner.node_id if location.owner else ""


def duplicate(bench: Workbench, arguments: Arguments) -> Outcome:
    """Copy `nodes` with everything inside them, and put the copies after the last node."""
    blocks = selected_blocks(bench, arguments.texts("nodes"))
    for block in blocks:
        _refuse_if_leading_outside(bench, block, "duplicated")
    copies = fragments.copies(bench, blocks)
    last = bench.locate(blocks[-1].node_id)
    bench.insert(copies, last.region, last.index + 1)
    return Outcome(summary=f"Duplicated {_listed(bench, blocks)}", selected=copies[0].node_id)


def paste(bench: Workbench, arguments: Arguments) -> Outcome:
    """Insert the nodes of the document `fragment` at `slot`, with ids that are not used yet.

    The fragment is an object, or the JSON of one as text, in which numbers are as they were written.
    """
    region, index = bench.place(arguments.slot())
    blocks = fragments.inserted(bench, _fragment(arguments))
    bench.insert(blocks, region, index)
    return Outcome(summary=f"Pasted {_listed(bench, blocks)}", selected=blocks[0].node_id)


def _fragment(arguments: Arguments) -> JsonObject:
    text = arguments.raw("fragment")
    if not isinstance(text, str):
        return arguments.object("fragment")
    try:
        value = read_json(text)
    except InvalidIR as invalid:
        raise Refused(f"This cannot be pasted: {invalid.problems[0]}") from None
    if not isinstance(value, dict):
        raise Refused(f"This cannot be pasted: it must be an object, not {quoted(value)}.")
    return value


def wrap(bench: Workbench, arguments: Arguments) -> Outcome:
    """Put `nodes`, which must be consecutive, into a new container of the type `node_type`."""
    blocks = selected_blocks(bench, arguments.texts("nodes"))
    type_ = bench.type_named(arguments.text("node_type"))
    if type_.container is None:
        raise Refused(f"{type_.title} cannot contain nodes.")
    first = bench.locate(blocks[0].node_id)
    if first.region.blocks[first.index : first.index + len(blocks)] != blocks:
        raise Refused("Only consecutive nodes can be wrapped. Select nothing else.")
    for block in blocks:
        _refuse_if_leading_outside(bench, block, "wrapped")
    wrapper = bench.new_node(type_, name=arguments.text("name", ""))
    wrapper.regions = _new_regions(bench, type_, wrapper.node_id)
    first.region.blocks[first.index : first.index + len(blocks)] = [wrapper]
    inner = wrapper.regions[0]
    replaced, inner.blocks = inner.blocks, blocks
    for block in replaced:
        bench.forget(block)
    return Outcome(
        summary=f"Wrapped {_listed(bench, blocks)} in {bench.called(wrapper.node_id)}",
        touched=tuple((block.node_id, PLACE) for block in blocks),
        selected=wrapper.node_id,
    )


def unwrap(bench: Workbench, arguments: Arguments) -> Outcome:
    """Replace a container, `node`, with the nodes of all its arms, in order."""
    node_id = arguments.text("node")
    block = bench.container(node_id)
    _refuse_if_leading_outside(bench, block, "unwrapped")
    inner = [each for region in block.all_regions for each in region.blocks]
    emptied = {each for each in inner if bench.is_placeholder(each.node_id)}
    kept = [each for each in inner if each not in emptied]
    for each in emptied:
        bench.forget(each)
    summary = f"Unwrapped {bench.called(node_id)}"
    location = bench.locate(node_id)
    block.regions, block.shared = [], []
    location.region.blocks[location.index + 1 : location.index + 1] = kept
    bench.remove([block])
    bench.forget(block)
    touched = ((node_id, ""), *((each.node_id, PLACE) for each in kept))
    return Outcome(summary=summary, touched=touched, selected=kept[0].node_id if kept else "")


def selected_blocks(bench: Workbench, node_ids: Collection[str]) -> list[Block]:
    """Return the blocks of nodes in the order of the document, without those inside another one."""
    chosen, places = set(node_ids), locations(bench.root)
    if not chosen <= places.keys():
        bench.locate(next(id_ for id_ in node_ids if id_ not in places))
    outer = {id_ for id_ in chosen if not _is_inside(places[id_], chosen, places)}
    order = [id_ for block in bench.root.blocks for id_ in ids_in(block)]
    return [places[id_].block for id_ in order if id_ in outer]


def _is_inside(location: Location, chosen: set[str], places: dict[str, Location]) -> bool:
    while location.owner is not None:
        if location.owner.node_id in chosen:
            return True
        location = places[location.owner.node_id]
    return False


def _refuse_if_leading_outside(bench: Workbench, block: Block, done: str) -> None:
    if leads_outside(block):
        raise Refused(
            f"{bench.called(block.node_id)} cannot be {done} alone, because an arm inside it leads to "
            "a node outside it. Disconnect that arm first.",
            node_id=block.node_id,
        )


def _listed(bench: Workbench, blocks: list[Block]) -> str:
    name = bench.called(blocks[0].node_id)
    more = len(blocks) - 1
    return f"{name} and {more} more" if more else name
