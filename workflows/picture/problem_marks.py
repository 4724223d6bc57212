"""Which nodes of a document the paths of problems are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from workflows.picture.states import State


def mark_problems(
    document: object, *, errors: Iterable[str] = (), warnings: Iterable[str] = ()
) -> dict[str, State]:
    """Return the nodes that are named by paths such as "nodes.charge.data.url"; errors come first."""
    ids = _ids(document)
    found = dict.fromkeys((_node_of(path, ids) for path in warnings), State.WARNING)
    found |= dict.fromkeys((_node_of(path, ids) for path in errors), State.PROBLEM)
    found.pop("", None)
    return found


def _ids(document: object) -> set[str]:
    nodes = document.get("nodes") if isinstance(document, dict) else None
    given = nodes if isinstance(nodes, list) else []
    ids = (node.get("id") for node in given if isinstance(node, dict))
    return {id_ for id_ in ids if isinstance(id_, str)}


def _node_of(path: str, ids: Collection[str]) -> str:
    """Return the longest id that the path begins with: an id may hold points, too."""
    before, _, rest = path.partition("nodes.")
    while rest and not before:
        if rest in ids:
            return rest
        rest = rest.rpartition(".")[0]
    return ""
