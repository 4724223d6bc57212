"""Loop bodies that add one value in each iteration to `_output`: a list of values, or their sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import children_of, text

OUTPUT: Final = "_output"
_DEFAULTS: Final = frozenset({"??", "||"})
_LIST: Final = ""
_SUM: Final = ".reduce((sum: any, value: any) => sum + value, {start})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulation:
    """The last statement, which adds `value`; `start` is a statement that sets the first value.

    `content` follows the `results` of the loop to reach the same value.
    """

    statement: Node
    value: Node
    start: Node | None
    content: str


@dataclass(frozen=True, slots=True)
class _Added:
    """A value that is added to the start value, as it is written: `[]`, `0` or `""`."""

    value: Node
    start: str


def accumulation(syntax: Syntax, uses: Sequence[Node]) -> Accumulation | None:
    """Return what the code adds to `_output` in its last statement; None if it uses `_output` otherwise."""
    statements = children_of(syntax.tree.root_node)
    if not statements or statements[-1].type != "expression_statement":
        return None
    last = statements[-1]
    start, first = _start(statements[:-1])
    added = _added(last.named_children[0], first)
    if added is None or any(_is_inside(use, added.value) for use in uses):
        return None
    if not all(_is_inside(use, last) or (start and _is_inside(use, start)) for use in uses):
        return None
    content = _LIST if added.start == "[]" else _SUM.format(start=added.start)
    return Accumulation(statement=last, value=added.value, start=start, content=content)


def _is_inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def _start(statements: Sequence[Node]) -> tuple[Node | None, str]:
    """Return the statement `_output ??= []` and its value; "" if there is none."""
    for statement in statements:
        expression = statement.named_children[0] if statement.named_children else None
        if expression and expression.type == "augmented_assignment_expression":
            value = _given(expression)
            if value and statement.type == "expression_statement":
                return statement, value
    return None, ""


def _given(node: Node) -> str:
    """Return the value of `_output ??= []` or `_output ?? []`."""
    if node.type not in ("augmented_assignment_expression", "binary_expression"):
        return ""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    if left is None or right is None or operator is None or text(left) != OUTPUT:
        return ""
    return _literal(right) if text(operator).removesuffix("=") in _DEFAULTS else ""


def _literal(node: Node) -> str:
    """Return an empty list, a number or a text as it is written; "" for anything else."""
    if node.type == "array":
        return "" if node.named_children else "[]"
    return text(node) if node.type in ("number", "string") else ""


def _first(node: Node | None, first: str) -> str:
    """Return the first value of `_output`, which may stand in parentheses with its default."""
    if node is None:
        return ""
    if text(node) == OUTPUT:
        return first
    inner = children_of(node)
    return _given(inner[0]) if node.type == "parenthesized_expression" and inner else ""


def _added(expression: Node, first: str) -> _Added | None:
    """Return what an expression adds; `first` is the first value if a statement before sets it."""
    match expression.type:
        case "call_expression":
            return _pushed(expression, first)
        case "augmented_assignment_expression":
            return _increased(expression, first)
        case "assignment_expression" if text(expression.named_children[0]) == OUTPUT:
            right = expression.child_by_field_name("right")
            return _replaced(right, first) if right else None
    return None


def _pushed(call: Node, first: str) -> _Added | None:
    """Read `_output.push(value)`."""
    function, arguments = (call.child_by_field_name(name) for name in ("function", "arguments"))
    property_ = function.child_by_field_name("property") if function else None
    values = children_of(arguments)
    if not function or not property_ or text(property_) != "push" or len(values) != 1:
        return None
    start = _first(function.child_by_field_name("object"), first)
    return (
        _Added(values[0], start) if start == "[]" and values[0].type != "spread_element" else None
    )


def _increased(assignment: Node, first: str) -> _Added | None:
    """Read `_output += value`."""
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    operator = assignment.child_by_field_name("operator")
    is_sum = left and text(left) == OUTPUT and operator and text(operator) == "+="
    return _Added(right, first) if is_sum and right and first not in ("", "[]") else None


def _replaced(right: Node, first: str) -> _Added | None:
    """Read the right side of `_output = [...(_output ?? []), value]` or `_output = (_output ?? 0) + value`."""
    if right.type == "array":
        items = children_of(right)
        is_pair = len(items) == 2 and items[0].type == "spread_element"
        if not is_pair or items[1].type == "spread_element":
            return None
        start = _first(next(iter(children_of(items[0])), None), first)
        return _Added(items[1], start) if start == "[]" else None
    operator = right.child_by_field_name("operator")
    value = right.child_by_field_name("right")
    if right.type != "binary_expression" or not operator or text(operator) != "+" or not value:
        return None
    start = _first(right.child_by_field_name("left"), first)
    return _Added(value, start) if start not in ("", "[]") else None
