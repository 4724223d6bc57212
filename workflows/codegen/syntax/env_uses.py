"""The names of the Worker's environment that a piece of code uses, even under an alias."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.imports import Binding
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import Found, children_of, string_value, text

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
_TRANSPARENT = frozenset(
    {
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "type_assertion",
    }
)
_WORKERS = "cloudflare:workers"  # its `env` is the Worker's environment too
_SCOPES = frozenset({"program", "statement_block", "class_static_block"})
_HOLDING = frozenset(
    ["variable_declarator", "for_in_statement", "catch_clause", "arrow_function", "function_expression"]
)  # fmt: skip
_LITERALS = frozenset(
    ["object", "array", "string", "template_string", "number", "true", "false", "null", "new_expression"]
)  # fmt: skip
_OF_ITEMS = frozenset(
    [b"map", b"flatMap", b"forEach", b"filter", b"find", b"findIndex", b"findLast", b"some", b"every",
     b"reduce", b"sort", b"toSorted"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EnvNames:
    """The names found, and the uses that cannot be analyzed."""

    names: tuple[str, ...] = ()
    unreadable: tuple[Found, ...] = ()


_NOTHING: Final = EnvNames()


def env_names(
    syntax: Syntax, bindings: Collection[Binding], holders: Collection[bytes] = ()
) -> EnvNames:
    """Find `env.X`, `this.env.X`, `env["X"]`, `env?.X` and destructuring.

    `bindings` are the names that the code imports, `holders` those of objects with a member `env`,
    besides `this`.
    """
    if b"env" not in syntax.data:
        return _NOTHING
    objects = list(_holders(syntax, {*holders, *_imported(bindings, "*")}))
    aliases = {b"env", *_imported(bindings, "env")}
    expressions = [
        *_variables(syntax.written_names, aliases, list(_own_scopes(syntax.declarations))),
        *_members(objects),
    ]
    uses = [(node, _names_of(node)) for node in expressions]
    uses += [(pattern, _pattern_keys(pattern)) for pattern in _inner_patterns(objects)]
    return _sorted_out(sorted(uses, key=lambda use: use[0].start_byte))


def parameter_names(pattern: Node) -> EnvNames:
    """Find the names in a parameter that is the environment: `env`, or a pattern."""
    if pattern.type == "identifier" and pattern.text == b"env":
        return EnvNames()
    names = _pattern_keys(pattern)
    if names is not None:
        return EnvNames(names=tuple(names))
    return EnvNames(unreadable=((pattern, "name this parameter `env`"),))


def context_names(pattern: Node) -> EnvNames:
    """Find the names in a parameter whose member `env` is destructured: `{ env: { X } }`."""
    inner = _patterns_of_env(pattern) if pattern.type == "object_pattern" else ()
    return _sorted_out((each, _pattern_keys(each)) for each in inner)


def _sorted_out(uses: Iterable[tuple[Node, list[str] | None]]) -> EnvNames:
    """Return the names in uses of `env`; a use whose names are None cannot be analyzed."""
    names: list[str] = []
    unreadable: list[Found] = []
    for node, found in uses:
        if found is None:
            unreadable.append((node, UNREADABLE))
        else:
            names += found
    return EnvNames(tuple(names), tuple(unreadable))


def _imported(bindings: Iterable[Binding], name: str) -> Iterator[bytes]:
    """Yield the code's names for this export of Cloudflare's module, or with "*" for the whole module."""
    for binding in bindings:
        if binding.module == _WORKERS and binding.imported == name:
            yield binding.local.encode()


def _variables(
    names: Iterable[Node], aliases: Collection[bytes], own_scopes: list[Node]
) -> Iterator[Node]:
    """Yield each variable that is `env`."""
    for node in names:
        is_pattern = node.type == "shorthand_property_identifier_pattern"
        if not is_pattern and node.text in aliases and not _is_inside(node, own_scopes):
            yield node


def _members(holders: Iterable[Node]) -> Iterator[Node]:
    """Yield each member `env` of an object that has one."""
    for holder in holders:
        parent = holder.parent
        if parent and _is_field(parent, "object", holder) and _member(parent) == "env":
            yield parent


def _holders(syntax: Syntax, names: Collection[bytes]) -> Iterator[Node]:
    """Yield each object whose member `env` is the environment: `this`, an alias of it, a name."""
    yield from syntax.this_nodes
    aliases = {*_aliases_of_this(syntax.this_nodes), *names}
    if aliases:
        yield from (node for node in syntax.written_names if node.text in aliases)


def _aliases_of_this(this_nodes: Iterable[Node]) -> Iterator[bytes | None]:
    for node in this_nodes:
        inner, parent = _outermost(node)
        name = parent.child_by_field_name("name") if parent else None
        if parent and name and _is_field(parent, "value", inner) and name.type == "identifier":
            yield name.text


def _inner_patterns(holders: Iterable[Node]) -> Iterator[Node]:
    """Yield patterns that destructure or rename `env` inside another: `{ env: { X } } = this`."""
    for holder in holders:
        node, parent = _outermost(holder)
        pattern = _destructuring(parent, node) if parent else None
        if pattern:
            yield from _patterns_of_env(pattern)


def _names_of(env: Node) -> list[str] | None:
    """Return the names read from this `env`; None if that cannot be determined."""
    node, parent = _outermost(env)
    if parent is None:
        return None
    match parent.type:
        case "member_expression" | "subscript_expression" if _is_field(parent, "object", node):
            name = _member(parent)
            return None if name is None else [name]
        case "variable_declarator":
            return _declared(parent, node)
        case "assignment_expression" if _is_field(parent, "right", node):
            return _pattern_keys(parent.child_by_field_name("left"))
        case kind if kind in _DECLARING:
            return []
        case "expression_statement":
            return []
    return None


def _declared(declarator: Node, node: Node) -> list[str] | None:
    if _is_field(declarator, "name", node):
        return []
    name = declarator.child_by_field_name("name")
    if name and name.type == "identifier" and name.text == b"env":
        return []  # `const env = this.env` is the same environment
    return _pattern_keys(name)


def _pattern_keys(pattern: Node | None) -> list[str] | None:
    """Return the keys of a destructuring pattern; None if some of them are unknown."""
    if pattern is None or pattern.type != "object_pattern":
        return None
    keys = [_key(part) for part in children_of(pattern)]
    return None if None in keys else [name for name in keys if name is not None]


def _patterns_of_env(pattern: Node) -> Iterator[Node]:
    """Yield what a pattern binds the member `env` to, unless it is a variable of that name."""
    for part in pattern.named_children:
        if part.type == "pair_pattern" and _key(part) == "env":
            value = part.child_by_field_name("value")
            if value and value.type == "assignment_pattern":
                value = value.child_by_field_name("left")
            if value and value.text != b"env":
                yield value


def _destructuring(parent: Node, node: Node) -> Node | None:
    """Return the pattern that destructures this value in a declaration or an assignment."""
    for value, target in (("value", "name"), ("right", "left")):
        if _is_field(parent, value, node):
            pattern = parent.child_by_field_name(target)
            return pattern if pattern and pattern.type == "object_pattern" else None
    return None


def _own_scopes(declarations: Iterable[Node]) -> Iterator[Node]:
    """Yield the parts of the code in which `env` is something else: a value that the code makes itself.

    Another function may be called with the environment, so its parameter `env` is taken for that.
    """
    for node in declarations:
        if node.text == b"env" and (scope := _own_scope(node)):
            yield scope


def _own_scope(name: Node) -> Node | None:
    node: Node | None = name
    while node is not None and node.type not in _HOLDING:
        if node.type == "statement_block":
            return None
        node = node.parent
    if node is None:
        return None
    if node.type == "variable_declarator":
        return _scope(name) if _is_own_value(node.child_by_field_name("value")) else None
    if node.type in ("arrow_function", "function_expression"):
        return node if _is_called_with_items(node) else None
    return node


def _is_own_value(value: Node | None) -> bool:
    """Whether the value is not the environment of a Worker: a literal, that of the process, a part of the event."""
    if value is None:
        return False
    parts = (value.text or b"").split(b".")
    if parts[-2:] in ([b"process"], [b"process", b"env"]) or (parts[0] == b"event" and parts[1:]):
        return True
    return value.type in _LITERALS and not re.search(rb"\b(?:env|this)\b", value.text or b"")


def _is_called_with_items(function: Node) -> bool:
    """Whether the function is the argument of a method that calls it with the items of a list."""
    arguments = function.parent
    call = arguments.parent if arguments and arguments.type == "arguments" else None
    method = call.child_by_field_name("function") if call else None
    name = method.child_by_field_name("property") if method else None
    return name is not None and name.text in _OF_ITEMS


def _scope(node: Node) -> Node:
    while node.parent is not None and node.type not in _SCOPES:
        node = node.parent
    return node


def _is_inside(node: Node, blocks: list[Node]) -> bool:
    return any(
        block.start_byte <= node.start_byte and node.end_byte <= block.end_byte for block in blocks
    )


def _outermost(node: Node) -> tuple[Node, Node | None]:
    """Return the node with its parentheses, casts and `!`, and the parent of all that."""
    parent = node.parent
    while parent is not None and (parent.type in _TRANSPARENT or _is_misread(parent, node)):
        node, parent = parent, parent.parent
    return node, parent


def _is_misread(parent: Node, node: Node) -> bool:
    """Whether the grammar parsed `1 + env!` as `(1 + env)!`, as it does with every operator."""
    outer = parent.parent
    is_operation = parent.type in ("binary_expression", "unary_expression", "await_expression")
    is_bang = outer is not None and outer.type == "non_null_expression"
    return is_operation and is_bang and parent.end_byte == node.end_byte


def _key(part: Node) -> str | None:
    """Return the key of a part of an object pattern; None if it is computed or a rest."""
    match part.type:
        case "shorthand_property_identifier_pattern":
            return text(part)
        case "object_assignment_pattern":
            return _key(part.named_children[0])
        case "pair_pattern":
            name = part.child_by_field_name("key")
            if name and name.type == "computed_property_name":
                name = name.named_children[0]
            is_plain = name is not None and name.type == "property_identifier"
            return text(name) if is_plain and name else string_value(name)
    return None


def _member(expression: Node) -> str | None:
    """Return the name in `x.NAME` or `x["NAME"]`; None if it is computed or private."""
    if expression.type == "subscript_expression":
        return string_value(expression.child_by_field_name("index"))
    name = expression.child_by_field_name("property")
    return text(name) if name and name.type == "property_identifier" else None


def _is_field(parent: Node, name: str, node: Node) -> bool:
    """Whether the node is this field of its parent."""
    return parent.child_by_field_name(name) == node
