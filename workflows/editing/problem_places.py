"""Describes where a problem is with the labels of the editor, not as a path in the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from workflows.editing.document.workbench import OpenDocument
from workflows.ir.document.triggers import trigger_type_of
from workflows.ir.reading.problems import Problem
from workflows.ir.settings.field_labels import labels_at

BETWEEN: Final = " \u203a "
_LABELS: Final = {
    "entryCode": "Entry code",
    "trigger.type": "What starts a run",
}


def path_in_node(problem: Problem) -> str:
    """Return the path inside the node, or inside the document if the problem is not in a node."""
    if not problem.node_id:
        return problem.path
    return problem.path.removeprefix(f"nodes.{problem.node_id}").removeprefix(".")


def field_name(opened: OpenDocument | None, problem: Problem) -> str:
    """Return the labels that lead to the field of a problem: "Arm 1 \u203a Condition"."""
    path = path_in_node(problem)
    if path in _LABELS:
        return _LABELS[path]
    if opened is None:
        return path
    node = opened.draft.nodes.get(problem.node_id)
    if node:
        return BETWEEN.join(labels_at(node.type.fields, path))
    if path.startswith("trigger"):
        type_ = trigger_type_of(opened.document.get("trigger") or {})
        return BETWEEN.join(labels_at(type_.fields, path))
    return path


def sentence_in_text(document: Any, problem: Problem) -> str:
    """Return a problem in a document without a tree in one line: "Edge from A to B: remove it"."""
    for place, label in _places(document):
        rest = problem.path.removeprefix(place)
        if rest != problem.path and rest[:1] in ("", ".", "["):
            where = BETWEEN.join(filter(None, [label, rest.removeprefix(".")]))
            return f"{where}: {' '.join(problem.message.split())}"
    return str(problem)


def _places(document: Any) -> Iterator[tuple[str, str]]:
    """Yield the paths of nodes and edges, with the names that people know them by."""
    names = {
        str(node.get("id")): str(node.get("name") or node.get("id"))
        for _, node in _items(document, "nodes")
    }
    for index, node in _items(document, "nodes"):
        label = names[str(node.get("id"))]
        yield from ((place, label) for place in (f"nodes.{node.get('id')}", f"nodes[{index}]"))
    for index, edge in _items(document, "edges"):
        source, target = (str(edge.get(end)) for end in ("source", "target"))
        label = f"Edge from {names.get(source, source)} to {names.get(target, target)}"
        yield from ((place, label) for place in (f"edges.{edge.get('id')}", f"edges[{index}]"))


def _items(document: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    items = document.get(key) if isinstance(document, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield index, item


def sentence(opened: OpenDocument, problem: Problem) -> str:
    """Return a problem in one line: "Load order \u203a Code: must not be empty"."""
    node = opened.draft.nodes.get(problem.node_id)
    if node is None and not problem.path.startswith("trigger"):
        return str(problem)
    where = [node.name if node else "Trigger", field_name(opened, problem)]
    words = BETWEEN.join(" ".join(part.split()) for part in where if part)
    return f"{words}: {' '.join(problem.message.split())}"
