"""The document of a new workflow."""

from __future__ import annotations

from typing import Any

from workflows.editing.document.workbench import empty_step
from workflows.ir.reading.names import NAME_LENGTH


def empty_document(name: str, *, now: str) -> dict[str, Any]:
    """Return a valid document with a step that does nothing, which the first node replaces."""
    return {
        "metadata": {"name": name, "version": 1, "createdAt": now, "updatedAt": now},
        "trigger": {"type": "http", "method": "POST"},
        "entryNodeId": "emptyStep",
        "nodes": [empty_step("emptyStep")],
        "edges": [],
    }


def typed_name(text: str) -> str:
    """Return the name that somebody typed, on one line and short enough; "" if it is blank."""
    return " ".join(text.split())[:NAME_LENGTH]
