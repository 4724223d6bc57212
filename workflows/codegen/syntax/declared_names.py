"""Which names in a syntax tree are declared in it; all others come from outside."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

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
    """Whether this identifier declares a name, also inside a destructuring pattern."""
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
