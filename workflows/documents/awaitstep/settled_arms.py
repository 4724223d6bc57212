"""Parallels whose output AwaitStep's code reads as `{status, value}` for each arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import named_nodes, text
from workflows.documents.awaitstep.scope import Scope

_PARALLEL: Final = "parallel"
_MEMBERS: Final = frozenset({"value", "reason"})
_STATUSES: Final = frozenset({"fulfilled", "rejected"})


def settled_arms(
    scope: Scope, syntaxes: Mapping[tuple[str, str], Syntax]
) -> Iterator[tuple[str, str, str]]:
    """Yield the parallel, the node that reads it, and the path of that code."""
    parallels = {
        scope.display[node.id]: node.id
        for node in scope.ir.nodes.values()
        if node.type.name == _PARALLEL
    }
    for (node_id, path), syntax in syntaxes.items():
        names = syntax.free.keys() & parallels.keys()
        if names and not syntax.is_broken and _reads_status(syntax):
            for name in names:
                meaning = scope.meaning(scope.ir.nodes[node_id], name)
                if meaning and meaning.node_id == parallels[name]:
                    yield meaning.node_id, node_id, path


def reads_reason(syntax: Syntax) -> bool:
    """Whether the code reads the reason of a rejected arm."""
    return "reason" in _words(syntax)


def _reads_status(syntax: Syntax) -> bool:
    return bool(_words(syntax) & (_MEMBERS | _STATUSES))


def _words(syntax: Syntax) -> set[str]:
    """Return the names of members and the texts in the code."""
    kinds = ("property_identifier", "shorthand_property_identifier_pattern", "string_fragment")
    return {text(node) for node in named_nodes(syntax.tree.root_node) if node.type in kinds}
