"""What changes neither the code nor the picture of a document, and is not a difference."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from workflows.editing.document.changes import is_equal

OF_NODES: Final = frozenset({"position"})
OF_CONNECTIONS: Final = frozenset({"id"})
OF_METADATA: Final = frozenset({"createdAt", "updatedAt"})


def has_same_effect(first: Any, second: Any) -> bool:
    """Whether two documents differ at most in positions, times and the ids of connections."""
    return is_equal(first, second) or is_equal(_shown(first), _shown(second))


def without(value: Any, names: Collection[str]) -> Any:
    """Return an object without these members; other values as they are."""
    if not isinstance(value, dict):
        return value
    return {name: member for name, member in value.items() if name not in names}


def _shown(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    lists = {
        part: [without(item, names) for item in document[part]]
        for part, names in (("nodes", OF_NODES), ("edges", OF_CONNECTIONS))
        if isinstance(document.get(part), list)
    }
    metadata = without(document.get("metadata"), OF_METADATA)
    return {**document, **lists, "metadata": metadata}
