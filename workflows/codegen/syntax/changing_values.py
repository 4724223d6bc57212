"""Whether code may return a different value next time: it reads the clock, random values or a network."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import named_nodes, text

_WORDS: Final = re.compile(rb"\b(?:Date|Math|crypto|performance|Temporal|await|fetch)\b")
_CALLS: Final = re.compile(
    r"(?:globalThis\.)?(?:Date|Date\.now|Math\.random|crypto\.randomUUID|crypto\.getRandomValues"
    r"|performance\.now|Temporal\.Now\.\w+|fetch)"
)


def may_change(syntax: Syntax) -> bool:
    """Return whether a second evaluation of the code may return a different value."""
    if not _WORDS.search(syntax.data):
        return False
    return any(map(_is_changing, named_nodes(syntax.tree.root_node)))


def _is_changing(node: Node) -> bool:
    if node.type == "await_expression":
        return True
    called = node.child_by_field_name("function")
    if node.type == "call_expression" and called is not None:
        return _CALLS.fullmatch(text(called).replace("?.", ".")) is not None
    made = node.child_by_field_name("constructor")
    if node.type == "new_expression" and made is not None and text(made) == "Date":
        arguments = node.child_by_field_name("arguments")
        return arguments is None or not arguments.named_children
    return False
