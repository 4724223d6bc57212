"""Which names of `env` a piece of code uses, read from its tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from workflows.codegen.syntax import Mistake, Syntax, string_value, text

_TRANSPARENT = frozenset(
    {"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
)
_DECLARING = frozenset(
    {
        "import_specifier",
        "import_clause",
        "namespace_import",
        "required_parameter",
        "optional_parameter",
        "formal_parameters",
        "type_query",
        "export_specifier",
    }
)


@dataclass(slots=True)
class EnvNames:
    """The names found, and the uses that cannot be read."""

    names: list[str] = field(default_factory=list)
    unreadable: list[Mistake] = field(default_factory=list)


def env_names(syntax: Syntax) -> EnvNames:
    """Read `env.X`, `this.env.X`, `env["X"]`, `env?.X` and destructuring."""
    found = EnvNames()
    if b"env" not in syntax.data:
        return found
    for node in sorted(_envs(syntax), key=lambda one: one.start_byte):
        names = _names_of(node)
        if names is None:
            found.unreadable.append(
                syntax.mistake(
                    node,
                    "cannot tell which binding of `env` is used here: write env.NAME, or declare "
                    "the binding on the workflow",
                )
            )
        else:
            found.names += names
    return found


def parameter_names(syntax: Syntax, pattern: Node) -> EnvNames:
    """Read a parameter that is the environment: `env`, or a destructuring of it."""
    if pattern.type == "identifier" and pattern.text == b"env":
        return EnvNames()
    names = _pattern(pattern)
    if names is not None:
        return EnvNames(names=names)
    return EnvNames(unreadable=[syntax.mistake(pattern, "call the environment `env`")])


def _envs(syntax: Syntax) -> Iterator[Node]:
    """Yield each expression that is `env`: the variable, or the member of `this`."""
    for node in syntax.found("name"):
        if node.type != "shorthand_property_identifier_pattern" and node.text == b"env":
            yield node
    for node in syntax.found("this"):
        parent = node.parent
        member = parent.child_by_field_name("property") if parent else None
        if parent and parent.type == "member_expression" and member and member.text == b"env":
            yield parent


def _names_of(env: Node) -> list[str] | None:
    """Return the names that are taken from this `env`, None when that cannot be read."""
    node, parent = _outermost(env)
    if parent is None:
        return None
    match parent.type:
        case "member_expression" if _is(parent, "object", node):
            name = parent.child_by_field_name("property")
            return [text(name)] if name and name.type == "property_identifier" else None
        case "subscript_expression" if _is(parent, "object", node):
            value = string_value(parent.child_by_field_name("index"))
            return None if value is None else [value]
        case "variable_declarator":
            return _declared(parent, node)
        case "assignment_expression" if _is(parent, "right", node):
            return _pattern(parent.child_by_field_name("left"))
        case kind if kind in _DECLARING:
            return []
        case "expression_statement":
            return []
    return None


def _outermost(node: Node) -> tuple[Node, Node | None]:
    """Step out of parentheses, casts and `!`."""
    parent = node.parent
    while parent is not None and (parent.type in _TRANSPARENT or _is_misread(parent, node)):
        node, parent = parent, parent.parent
    return node, parent


def _is_misread(parent: Node, node: Node) -> bool:
    """Whether the grammar took `1 + env!` for `(1 + env)!`, as it does with every operator."""
    around = parent.parent
    is_operation = parent.type in ("binary_expression", "unary_expression", "await_expression")
    is_bang = around is not None and around.type == "non_null_expression"
    return is_operation and is_bang and parent.end_byte == node.end_byte


def _declared(declarator: Node, node: Node) -> list[str] | None:
    if _is(declarator, "name", node):
        return []
    name = declarator.child_by_field_name("name")
    if name and name.type == "identifier" and name.text == b"env":
        return []  # `const env = this.env`: the same name means the same thing
    return _pattern(name)


def _pattern(pattern: Node | None) -> list[str] | None:
    """Return the keys of a destructuring, None when it takes more than it names."""
    if pattern is None or pattern.type != "object_pattern":
        return None
    keys = [_key(part) for part in pattern.named_children if part.type != "comment"]
    return None if None in keys else [key for key in keys if key is not None]


def _key(part: Node) -> str | None:
    match part.type:
        case "shorthand_property_identifier_pattern":
            return text(part)
        case "object_assignment_pattern":
            return _key(part.named_children[0])
        case "pair_pattern":
            key = part.child_by_field_name("key")
            is_plain = key is not None and key.type == "property_identifier"
            return text(key) if is_plain and key else string_value(key)
    return None


def _is(parent: Node, name: str, node: Node) -> bool:
    return parent.child_by_field_name(name) == node
