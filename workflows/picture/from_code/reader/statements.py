"""Reads statements: declarations, and what leaves a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import Item
from workflows.picture.from_code.reader.files import FUNCTIONS, hoist
from workflows.picture.from_code.reader.patterns import bind
from workflows.picture.from_code.reader.source_text import is_async, literal_text, place_of, shown
from workflows.picture.from_code.reader.values import Scope
from workflows.picture.from_code.reader.walk import Handler, Walk

_PASSED_THROUGH: Final = frozenset(
    {
        "if_statement",
        "else_clause",
        "try_statement",
        "catch_clause",
        "switch_statement",
        "switch_body",
        "labeled_statement",
    }
)
_BLOCKS: Final = frozenset({"statement_block", "switch_case", "switch_default", "ERROR", "program"})
_TITLES: Final = {
    "return": "Return",
    "throw": "Throw",
    "break": "Leave the loop",
    "continue": "Next iteration",
}


def read_block(walk: Walk, statements: Sequence[Node], scope: Scope) -> None:
    """Read statements up to one that nothing runs after."""
    for statement in statements:
        hoist(statement, scope)
    for statement in statements:
        walk.visit(statement, scope)
        last = walk.entries[-1] if walk.entries else None
        if isinstance(last, Item) and last.ends:
            return


def _block(walk: Walk, node: Node, scope: Scope) -> None:
    read_block(walk, children_of(node), scope.inner())


def _declaration(walk: Walk, node: Node, scope: Scope) -> None:
    for declarator in children_of(node):
        name = declarator.child_by_field_name("name")
        value = walk.visit(declarator.child_by_field_name("value"), scope)
        if name is not None:
            bind(walk, name, value, scope)


def _hoisted(_walk: Walk, _node: Node, _scope: Scope) -> None:
    """Read nothing: functions and classes are declared at the start of their block."""


def _return(walk: Walk, node: Node, scope: Scope) -> None:
    values = walk.visit_all(children_of(node), scope)
    if values and walk.frames:
        frame = walk.frames[-1]
        is_awaited = is_async(frame.function.node)
        frame.returned.append(walk.wait_for(values[-1], node, scope) if is_awaited else values[-1])
    if not is_tail(node):
        _leave(walk, node, scope, kind="return")


def is_tail(node: Node) -> bool:
    """Whether nothing follows a statement in its function."""
    inner, outer = node, node.parent
    while outer is not None and outer.type not in FUNCTIONS:
        if outer.type in _BLOCKS:
            parts = children_of(outer)
            if not parts or parts[-1] != inner:
                return False
        elif (
            outer.type not in _PASSED_THROUGH or outer.child_by_field_name("finalizer") is not None
        ):
            return False
        inner, outer = outer, outer.parent
    return True


def _throw(walk: Walk, node: Node, scope: Scope) -> None:
    walk.visit_all(children_of(node), scope)
    _leave(walk, node, scope, kind="throw")


def _break(walk: Walk, node: Node, scope: Scope) -> None:
    if _target(node) == "loop":
        _leave(walk, node, scope, kind="break")


def _continue(walk: Walk, node: Node, scope: Scope) -> None:
    _leave(walk, node, scope, kind="continue")


def _target(node: Node) -> str:
    """Return what a `break` without a label leaves: a loop or a switch."""
    if node.child_by_field_name("label") is not None:
        return "loop"
    outer = node.parent
    while outer is not None and outer.type != "switch_statement":
        if outer.type in ("for_statement", "for_in_statement", "while_statement", "do_statement"):
            return "loop"
        outer = outer.parent
    return "switch" if outer is not None else "loop"


def _leave(walk: Walk, node: Node, scope: Scope, *, kind: str) -> None:
    parts = children_of(node)
    about = _error_shown(parts[0]) if parts else ""
    if kind in ("break", "continue") and parts:
        about = f"of {text(parts[0])}"
    place = place_of(node, scope.path)
    walk.add(Item(kind=kind, name=_TITLES[kind], about=about, place=place))


def _error_shown(value: Node) -> str:
    """Return a value as it is written, or an error such as "Error: not found"."""
    class_ = value.child_by_field_name("constructor")
    arguments = children_of(value.child_by_field_name("arguments"))
    if value.type != "new_expression" or class_ is None or not arguments:
        return shown(value)
    first = arguments[0]
    message = literal_text(first) if first.type == "string" else shown(first)
    return f"{shown(class_)}: {message}"


def _labeled(walk: Walk, node: Node, scope: Scope) -> None:
    walk.visit(node.child_by_field_name("body"), scope)


def _error(walk: Walk, node: Node, scope: Scope) -> None:
    """Read what can be read of broken code."""
    read_block(walk, children_of(node), scope)


HANDLERS: Final[Mapping[str, Handler]] = {
    "statement_block": _block,
    "lexical_declaration": _declaration,
    "variable_declaration": _declaration,
    "using_declaration": _declaration,
    "function_declaration": _hoisted,
    "generator_function_declaration": _hoisted,
    "class_declaration": _hoisted,
    "abstract_class_declaration": _hoisted,
    "interface_declaration": _hoisted,
    "type_alias_declaration": _hoisted,
    "enum_declaration": _hoisted,
    "import_statement": _hoisted,
    "return_statement": _return,
    "throw_statement": _throw,
    "break_statement": _break,
    "continue_statement": _continue,
    "labeled_statement": _labeled,
    "ERROR": _error,
}
