"""Facts about a single node of a syntax tree: its text, its children, and whether it declares a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

Found = tuple[Node, str]
"""A complaint: its node, and the message."""


def text(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def string_value(node: Node | None) -> str | None:
    """Return the value of a plain string literal; None if it is computed or escaped."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    parts = node.named_children
    if any(part.type != "string_fragment" for part in parts):
        return None
    return "".join(map(text, parts))


def children_of(node: Node | None) -> list[Node]:
    """Return the named children of a node, without comments."""
    children = node.named_children if node else []
    return [child for child in children if child.type != "comment"]


def named_nodes(root: Node) -> Iterator[Node]:
    """Yield the named nodes of a tree, each parent before its children, otherwise in no order."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.named_children)


def in_source_order(nodes: list[Node]) -> list[Node]:
    """Sort nodes that the library returns in the order of memory addresses, which differs each time."""
    return sorted(nodes, key=_position) if len(nodes) > 1 else nodes


def _position(node: Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


# Nodes that declare names, and the field with the name ("" if every name inside is declared).
_DECLARING: Final = {
    "variable_declarator": "name",
    "function_declaration": "name",
    "function_expression": "name",
    "function_signature": "name",
    "generator_function": "name",
    "generator_function_declaration": "name",
    "class_declaration": "name",
    "abstract_class_declaration": "name",
    "class": "name",
    "enum_declaration": "name",
    "internal_module": "name",
    "module": "name",
    "index_signature": "name",
    "tuple_parameter": "name",
    "required_parameter": "pattern",
    "optional_parameter": "pattern",
    "arrow_function": "parameter",
    "catch_clause": "parameter",
    "for_in_statement": "left",
    "import_specifier": "",
    "import_clause": "",
    "namespace_import": "",
    "import_require_clause": "",
    "import_alias": "",
}
_PATTERNS: Final = frozenset({"object_pattern", "array_pattern", "rest_pattern"})
_DEFAULTS: Final = frozenset({"assignment_pattern", "object_assignment_pattern"})


def is_declared(name: Node) -> bool:
    """Whether this identifier declares a name, even inside a destructuring pattern."""
    node, parent = name, name.parent
    while parent is not None and _is_pattern(parent, node):
        node, parent = parent, parent.parent
    if parent is None or parent.type not in _DECLARING:
        return False
    if parent.type == "for_in_statement" and parent.child_by_field_name("kind") is None:
        return False
    field = _DECLARING[parent.type]
    named = (parent.child_by_field_name(field), parent.child_by_field_name("name")) if field else ()
    return not field or node in named


def _is_pattern(parent: Node, node: Node) -> bool:
    """Whether the surrounding pattern binds the node, which is not a default or a key."""
    if parent.type in _DEFAULTS:
        return parent.named_children[0] == node
    if parent.type == "pair_pattern":
        return parent.child_by_field_name("value") == node
    return parent.type in _PATTERNS


_FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
        "class_static_block",
    }
)


def is_own(name: Node) -> bool:
    """Whether this declared name belongs to the code as a whole, not to a block or function inside.

    Such a name cannot coexist with a parameter of the same name.
    """
    node: Node | None = name.parent
    while node is not None and node.type not in _DECLARING and node.type != "class_declaration":
        node = node.parent
    if node is None:
        return False
    if _is_var(node):
        return not _is_in_function(node)
    holder = node.parent
    if node.type == "variable_declarator":
        holder = holder.parent if holder else None
    return holder is not None and holder.type == "program" and node.type not in _EXPRESSIONS


# Names of these are only visible inside.
_EXPRESSIONS: Final = frozenset(
    {"function_expression", "generator_function", "class", "for_in_statement"}
)


def _is_var(declaration: Node) -> bool:
    if declaration.type == "for_in_statement":
        kind = declaration.child_by_field_name("kind")
        return kind is not None and kind.type == "var"
    holder = declaration.parent
    is_variable = declaration.type == "variable_declarator"
    return is_variable and holder is not None and holder.type == "variable_declaration"


def _is_in_function(node: Node) -> bool:
    outer = node.parent
    while outer is not None and outer.type not in _FUNCTIONS:
        outer = outer.parent
    return outer is not None
