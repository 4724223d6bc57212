"""Which names of `env` a piece of code uses, read from its tree."""

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
from workflows.codegen.syntax.parser import Mistake, Syntax

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
    """The names found, and the uses that cannot be read."""

    names: list[str] = field(default_factory=list)
    unreadable: list[Mistake] = field(default_factory=list)


def env_names(syntax: Syntax, holders: Collection[bytes] = ()) -> EnvNames:
    """Read `env.X`, `this.env.X`, `env["X"]`, `env?.X` and destructuring.

    `holders` are names of what has a member `env` beside `this`.
    """
    found = EnvNames()
    if b"env" not in syntax.data:
        return found
    uses = [(node, _names_of(node)) for node in env_expressions(syntax, holders)]
    uses += [(pattern, _pattern(pattern)) for pattern in inner_patterns(syntax, holders)]
    for node, names in sorted(uses, key=lambda use: use[0].start_byte):
        if names is None:
            found.unreadable.append(syntax.mistake(node, UNREADABLE))
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


def taken_from_context(syntax: Syntax, pattern: Node) -> EnvNames:
    """Read a parameter that takes what has a member `env` apart: `{ config, env: { X } }`."""
    found = EnvNames()
    for inner in patterns_of_env(pattern) if pattern.type == "object_pattern" else ():
        names = _pattern(inner)
        if names is None:
            found.unreadable.append(syntax.mistake(inner, UNREADABLE))
        else:
            found.names += names
    return found


def _names_of(env: Node) -> list[str] | None:
    """Return the names that are taken from this `env`, None when that cannot be read."""
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
            return _pattern(parent.child_by_field_name("left"))
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
        return []  # `const env = this.env`: the same name means the same thing
    return _pattern(name)


def _pattern(pattern: Node | None) -> list[str] | None:
    """Return the keys of a destructuring, None when it takes more than it names."""
    if pattern is None or pattern.type != "object_pattern":
        return None
    keys = [key(part) for part in pattern.named_children if part.type != "comment"]
    return None if None in keys else [one for one in keys if one is not None]
