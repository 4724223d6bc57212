"""The document of a new workflow."""

from __future__ import annotations

from typing import Any

from workflows.editing.workbench import empty_step


def empty_document(name: str, *, now: str) -> dict[str, Any]:
    """Return a valid document with a step that does nothing, which the first node replaces."""
    return {
        "metadata": {"name": name, "version": 1, "createdAt": now, "updatedAt": now},
        "trigger": {"type": "http", "method": "POST"},
        "entryNodeId": "emptyStep",
        "nodes": [empty_step("emptyStep")],
        "edges": [],
    }
