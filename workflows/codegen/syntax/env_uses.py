"""Which names of `env` a piece of code uses, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.env_expressions import (
    env_expressions,
    inner_patterns,
    is_field,
    key,
    member,
    outermost,
    patterns_of_env,
)
from workflows.codegen.syntax.parser import Mistake, Syntax, children_of

UNREADABLE: Final = (
    "cannot tell which binding of `env` is used here: write env.NAME, or declare the binding on the "
    "workflow"
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
    """The names found, and the uses that cannot be analyzed."""

    names: list[str] = field(default_factory=list)
    unreadable: list[Mistake] = field(default_factory=list)


def env_names(syntax: Syntax, holders: Collection[bytes] = ()) -> EnvNames:
    """Find `env.X`, `this.env.X`, `env["X"]`, `env?.X` and destructuring.

    `holders` are names of objects with a member `env`, besides `this`.
    """
    result = EnvNames()
    if b"env" not in syntax.data:
        return result
    uses = [(node, _names_of(node)) for node in env_expressions(syntax, holders)]
    uses += [(pattern, _pattern_keys(pattern)) for pattern in inner_patterns(syntax, holders)]
    for node, names in sorted(uses, key=lambda use: use[0].start_byte):
        if names is None:
            result.unreadable.append(syntax.mistake(node, UNREADABLE))
        else:
            result.names += names
    return result


def parameter_names(syntax: Syntax, pattern: Node) -> EnvNames:
    """Find the names in a parameter that is the environment: `env`, or a pattern."""
    if pattern.type == "identifier" and pattern.text == b"env":
        return EnvNames()
    names = _pattern_keys(pattern)
    if names is not None:
        return EnvNames(names=names)
    return EnvNames(unreadable=[syntax.mistake(pattern, "name this parameter `env`")])


def context_names(syntax: Syntax, pattern: Node) -> EnvNames:
    """Find the names in a parameter whose member `env` is destructured: `{ env: { X } }`."""
    result = EnvNames()
    for inner in patterns_of_env(pattern) if pattern.type == "object_pattern" else ():
        names = _pattern_keys(inner)
        if names is None:
            result.unreadable.append(syntax.mistake(inner, UNREADABLE))
        else:
            result.names += names
    return result


def _names_of(env: Node) -> list[str] | None:
    """Return the names read from this `env`; None if that cannot be determined."""
    node, parent = outermost(env)
    if parent is None:
        return None
    match parent.type:
        case "member_expression" | "subscript_expression" if is_field(parent, "object", node):
            name = member(parent)
            return None if name is None else [name]
        case "variable_declarator":
            return _declared(parent, node)
        case "assignment_expression" if is_field(parent, "right", node):
            return _pattern_keys(parent.child_by_field_name("left"))
        case kind if kind in _DECLARING:
            return []
        case "expression_statement":
            return []
    return None


def _declared(declarator: Node, node: Node) -> list[str] | None:
    if is_field(declarator, "name", node):
        return []
    name = declarator.child_by_field_name("name")
    if name and name.type == "identifier" and name.text == b"env":
        return []  # `const env = this.env` is the same environment
    return _pattern_keys(name)


def _pattern_keys(pattern: Node | None) -> list[str] | None:
    """Return the keys of a destructuring pattern; None if some of them are unknown."""
    if pattern is None or pattern.type != "object_pattern":
        return None
    keys = [key(part) for part in children_of(pattern)]
    return None if None in keys else [name for name in keys if name is not None]
