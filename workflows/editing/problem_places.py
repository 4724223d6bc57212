"""Describes where a problem is with the labels of the editor, not as a path in the document."""

from __future__ import annotations

from typing import Final

from workflows.editing.workbench import OpenDocument
from workflows.ir.document.triggers import TRIGGER_TYPES
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
        trigger = opened.document.get("trigger") or {}
        type_ = TRIGGER_TYPES.get(str(trigger.get("type")), TRIGGER_TYPES["manual"])
        return BETWEEN.join(labels_at(type_.fields, path))
    return path


def sentence(opened: OpenDocument, problem: Problem) -> str:
    """Return a problem in one line: "Load order \u203a Code: must not be empty"."""
    node = opened.draft.nodes.get(problem.node_id)
    if node is None and not problem.path.startswith("trigger"):
        return str(problem)
    where = [node.name if node else "Trigger", field_name(opened, problem)]
    words = BETWEEN.join(" ".join(part.split()) for part in where if part)
    return f"{words}: {' '.join(problem.message.split())}"
