"""Shortcuts for editing documents in tests."""

from __future__ import annotations

from typing import Any

from tests.workflows.ir.documents import Document
from workflows.editing.document.tree import Region, tree_of
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.operations import Edit, perform
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse


def edit(document: Document, type_: str, /, **arguments: Any) -> Edit:
    """Perform one operation."""
    return perform(OpenDocument(document, NODE_TYPES), {"type": type_, **arguments})


def edited(document: Document, type_: str, /, **arguments: Any) -> Document:
    """Return the document after one operation, which must be valid."""
    result = edit(document, type_, **arguments).document
    assert parse(result).ir, [str(problem) for problem in parse(result).problems]
    return result


def after(node_id: str) -> dict[str, Any]:
    """Return the slot after a node."""
    return {"after": node_id}


def start(owner: str = "", region: int = 0) -> dict[str, Any]:
    """Return the slot at the start of a region."""
    return {"owner": owner, "region": region}


def outline(document: Document) -> str:
    """Return the tree in one line, such as `a branch(yes: b -> c | no:) d`."""
    draft = parse(document).draft
    assert draft is not None
    return _region(tree_of(draft.structure))


def _region(region: Region) -> str:
    parts = []
    for block in region.blocks:
        regions = [f"{inner.label}: {_region(inner)}".strip() for inner in block.all_regions]
        parts.append(f"{block.node_id}({' | '.join(regions)})" if regions else block.node_id)
    if region.next:
        parts.append(f"-> {region.next.blocks[0].node_id}")
    return " ".join(parts)
