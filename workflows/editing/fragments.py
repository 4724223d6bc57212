"""Parts of documents: copies within a document, and nodes from the clipboard.

A fragment is a document like any other, so it can also be pasted from a file or a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflows.codegen.analysis.node_names import variables_of
from workflows.editing.document.edges import edges_of
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.renaming import with_new_ids
from workflows.editing.document.tree import Block, Region, blocks_in, ids_in
from workflows.editing.document.workbench import JsonObject, OpenDocument, Workbench
from workflows.ir.document.model import MAX_NODES, Node


def fragment_of(bench: Workbench, blocks: Sequence[Block]) -> JsonObject:
    """Return a document with only these blocks, one after another."""
    root = Region(blocks=list(blocks))
    ids = [block.node_id for block in blocks_in(root)]
    types = {id_: bench.types[id_] for id_ in ids}
    metadata = bench.opened.document["metadata"]
    return {
        "metadata": {**metadata, "name": bench.nodes[ids[0]]["name"]},
        "nodes": [bench.nodes[id_] for id_ in ids],
        "edges": edges_of(root, types, bench.opened.document["edges"]),
        "entryNodeId": ids[0],
        "trigger": {"type": "manual"},
    }


def copies(bench: Workbench, blocks: Sequence[Block]) -> list[Block]:
    """Return copies of blocks with new nodes, which refer to each other as the originals do."""
    draft = bench.opened.draft
    variables = variables_of(draft)
    ids = {id_: "" for block in blocks for id_ in ids_in(block)}
    nodes = {}
    for id_ in ids:
        item = {**bench.nodes[id_], "name": bench.free_name(bench.nodes[id_]["name"])}
        nodes[id_] = item, draft.nodes[id_]
        ids[id_] = _reserved_id(bench, item["name"])
    _add(bench, nodes, ids, variables)
    return [_copy(block, ids) for block in blocks]


def inserted(bench: Workbench, fragment: JsonObject) -> list[Block]:
    """Return blocks with the nodes of a fragment, with ids that the document does not use.

    Raises Refused if the fragment is not a document whose nodes form a tree.
    """
    try:
        opened = OpenDocument(fragment, bench.registry)
    except NotEditable as error:
        raise Refused(f"This cannot be pasted: {error.problems[0]}") from None
    if len(bench.nodes) + len(opened.draft.nodes) > MAX_NODES:
        raise Refused(f"A document can have at most {MAX_NODES:,} nodes.")
    other = Workbench(opened)
    ids = {id_: id_ for id_ in other.nodes if id_ not in bench.nodes}
    for id_ in ids:
        bench.nodes[id_] = other.nodes[id_]
    for id_, item in other.nodes.items():
        if id_ not in ids:
            ids[id_] = _reserved_id(bench, item["name"])
    variables = variables_of(opened.draft)
    nodes = {id_: (item, opened.draft.nodes[id_]) for id_, item in other.nodes.items()}
    _add(bench, nodes, ids, variables)
    return [_copy(block, ids) for block in other.root.blocks]


def _reserved_id(bench: Workbench, name: str) -> str:
    """Return an unused id, and reserve it until the node is added."""
    id_ = bench.free_id(name)
    bench.nodes[id_] = {"id": id_, "name": name}
    return id_


def _add(
    bench: Workbench,
    nodes: Mapping[str, tuple[JsonObject, Node]],
    ids: Mapping[str, str],
    variables: Mapping[str, str],
) -> None:
    names = {variables[old]: new for old, new in ids.items()}
    for old, (item, node) in nodes.items():
        bench.nodes.pop(ids[old], None)
        bench.nodes[ids[old]] = with_new_ids(item, node, ids, names)
        bench.types[ids[old]] = node.type


def _copy(block: Block, ids: Mapping[str, str], outer: Mapping[int, Region] | None = None) -> Block:
    """Return a copy of a block with other ids.

    `outer` are the copies of shared regions around it, by the identity of the originals.
    """
    shared = {id(region): Region(label=region.label) for region in block.shared}
    known = {**(outer or {}), **shared}
    copy = Block(ids[block.node_id], shared=list(shared.values()))
    for region in block.regions:
        copy.regions.append(Region(label=region.label))
    for original, new in zip(block.all_regions, copy.all_regions, strict=True):
        new.next = known.get(id(original.next))
        new.blocks = [_copy(inner, ids, known) for inner in original.blocks]
    return copy
