"""Contents to compare."""

from __future__ import annotations

from typing import Any

from workflows.documents.comparison.content import Content
from workflows.nodes.built_in import NODE_TYPES


def content(document: Any, **changes: Any) -> Content:
    """Return a content with this document and otherwise empty parts."""
    fields: dict[str, Any] = {
        "entry_code": "",
        "dependencies": {},
        "bindings": {},
        "deploy_settings": {},
        "types": NODE_TYPES,
    }
    return Content(ir=document, **fields | changes)
