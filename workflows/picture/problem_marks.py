"""Finds the nodes that the paths of problems refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from workflows.picture.states import State


def mark_problems(
    document: object, *, errors: Iterable[str] = (), warnings: Iterable[str] = ()
) -> dict[str, State]:
    """Return a mark for each node that the paths (such as "nodes.charge.data.url") point to.

    Errors take precedence over warnings.
    """
    ids = _ids(document)
    marks = dict.fromkeys((_node_of(path, ids) for path in warnings), State.WARNING)
    marks |= dict.fromkeys((_node_of(path, ids) for path in errors), State.PROBLEM)
    marks.pop("", None)
    return marks


def _ids(document: object) -> set[str]:
    nodes = document.get("nodes") if isinstance(document, dict) else None
    entries = nodes if isinstance(nodes, list) else []
    ids = (node.get("id") for node in entries if isinstance(node, dict))
    return {id_ for id_ in ids if isinstance(id_, str)}


def _node_of(path: str, ids: Collection[str]) -> str:
    """Return the longest id that the path starts with, because an id may contain dots."""
    before, _, rest = path.partition("nodes.")
    while rest and not before:
        if rest in ids:
            return rest
        rest = rest.rpartition(".")[0]
    return ""
