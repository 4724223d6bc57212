"""Finds the Worker's environment in code, under any name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax, string_value, text

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


def env_expressions(syntax: Syntax, holders: Collection[bytes] = ()) -> Iterator[Node]:
    """Yield each expression that is `env`: the variable, or a member of an object.

    `holders` are names of objects with a member `env`, besides `this`.
    """
    names = syntax.captured("name")
    aliases = {b"env", *_import_aliases(syntax)}
    process_scopes = list(_process_scopes(names)) if b"process" in syntax.data else []
    for node in names:
        is_pattern = node.type == "shorthand_property_identifier_pattern"
        if not is_pattern and node.text in aliases and not _is_inside(node, process_scopes):
            yield node
    for holder in _holders(syntax, holders):
        parent = holder.parent
        if parent and is_field(parent, "object", holder) and member(parent) == "env":
            yield parent


def _holders(syntax: Syntax, names: Collection[bytes]) -> Iterator[Node]:
    """Yield each object whose member `env` is the environment: `this`, an alias, a module."""
    yield from syntax.captured("this")
    aliases = {*_aliases_of_this(syntax), *_namespaces(syntax), *names}
    if aliases:
        yield from (node for node in syntax.captured("name") if node.text in aliases)


def _aliases_of_this(syntax: Syntax) -> Iterator[bytes | None]:
    for node in syntax.captured("this"):
        inner, parent = outermost(node)
        name = parent.child_by_field_name("name") if parent else None
        if parent and name and is_field(parent, "value", inner) and name.type == "identifier":
            yield name.text


def inner_patterns(syntax: Syntax, holders: Collection[bytes] = ()) -> Iterator[Node]:
    """Yield patterns that destructure or rename `env` inside another: `{ env: { X } } = this`."""
    for holder in _holders(syntax, holders):
        node, parent = outermost(holder)
        pattern = _destructuring(parent, node) if parent else None
        if pattern:
            yield from patterns_of_env(pattern)


def patterns_of_env(pattern: Node) -> Iterator[Node]:
    """Yield what a pattern binds the member `env` to, unless it is a variable of that name."""
    for part in pattern.named_children:
        if part.type == "pair_pattern" and key(part) == "env":
            value = part.child_by_field_name("value")
            if value and value.type == "assignment_pattern":
                value = value.child_by_field_name("left")
            if value and value.text != b"env":
                yield value


def _destructuring(parent: Node, node: Node) -> Node | None:
    """Return the pattern that destructures this value in a declaration or an assignment."""
    for value, target in (("value", "name"), ("right", "left")):
        if is_field(parent, value, node):
            pattern = parent.child_by_field_name(target)
            return pattern if pattern and pattern.type == "object_pattern" else None
    return None


def _import_aliases(syntax: Syntax) -> Iterator[bytes | None]:
    """Yield the other names that `env` is imported under."""
    for node in _names_near_import(syntax):
        parent = node.parent
        if node.text == b"env" and parent and parent.type == "import_specifier":
            alias = parent.child_by_field_name("alias")
            if alias and _source_module(parent) == _WORKERS:
                yield alias.text


def _names_near_import(syntax: Syntax) -> list[Node]:
    return syntax.captured("name") if _WORKERS.encode() in syntax.data else []


def _namespaces(syntax: Syntax) -> Iterator[bytes | None]:
    for node in _names_near_import(syntax):
        parent = node.parent
        if parent and parent.type == "namespace_import" and _source_module(parent) == _WORKERS:
            yield node.text


def _source_module(node: Node) -> str | None:
    statement: Node | None = node
    while statement is not None and statement.type != "import_statement":
        statement = statement.parent
    return string_value(statement.child_by_field_name("source")) if statement else None


def _process_scopes(names: list[Node]) -> Iterator[Node]:
    """Yield the blocks in which `env` is the process environment: `const { env } = process`."""
    for node in names:
        declarator = node.parent
        if node.text != b"env" or declarator is None:
            continue
        if declarator.type == "object_pattern":
            declarator = declarator.parent
        value = declarator.child_by_field_name("value") if declarator else None
        if value and (value.text or b"").split(b".")[-2:] in ([b"process"], [b"process", b"env"]):
            yield _scope(node)


def _scope(node: Node) -> Node:
    while node.parent is not None and node.type not in _SCOPES:
        node = node.parent
    return node


def _is_inside(node: Node, blocks: list[Node]) -> bool:
    return any(
        block.start_byte <= node.start_byte and node.end_byte <= block.end_byte for block in blocks
    )


def outermost(node: Node) -> tuple[Node, Node | None]:
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


def key(part: Node) -> str | None:
    """Return the key of a part of an object pattern; None if it is computed or a rest."""
    match part.type:
        case "shorthand_property_identifier_pattern":
            return text(part)
        case "object_assignment_pattern":
            return key(part.named_children[0])
        case "pair_pattern":
            name = part.child_by_field_name("key")
            if name and name.type == "computed_property_name":
                name = name.named_children[0]
            is_plain = name is not None and name.type == "property_identifier"
            return text(name) if is_plain and name else string_value(name)
    return None


def member(expression: Node) -> str | None:
    """Return the name in `x.NAME` or `x["NAME"]`; None if it is computed or private."""
    if expression.type == "subscript_expression":
        return string_value(expression.child_by_field_name("index"))
    name = expression.child_by_field_name("property")
    return text(name) if name and name.type == "property_identifier" else None


def is_field(parent: Node, name: str, node: Node) -> bool:
    """Whether the node is this field of its parent."""
    return parent.child_by_field_name(name) == node
