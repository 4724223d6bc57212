"""Uses of a value that may be undefined: those that would fail, unless the code checks the value first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.origins import ASSIGNMENTS
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import children_of, named_nodes, text

_TRANSPARENT: Final = frozenset(
    {"parenthesized_expression", "await_expression", "as_expression", "satisfies_expression"}
)
_CHAIN: Final = {
    "member_expression": "object",
    "subscript_expression": "object",
    "call_expression": "function",
    "non_null_expression": "",
}
_ACCESS: Final = ("member_expression", "subscript_expression")
_EQUAL: Final = frozenset({"==", "==="})
_UNEQUAL: Final = frozenset({"!=", "!=="})
_ORDER: Final = frozenset({"<", ">", "<=", ">=", "in", "instanceof"})
_ABSENT: Final = frozenset({"undefined", "null", '"undefined"', "'undefined'", "void 0"})
_FALSY: Final = frozenset({"false", "null", "undefined", "0", '""', "''", "[]", "{}"})
_CHECKS: Final = frozenset({"Boolean", "Array.isArray"})
_SEQUENCES: Final = frozenset({"program", "statement_block", "switch_case", "switch_default"})
_EXITS: Final = frozenset(
    {"return_statement", "throw_statement", "break_statement", "continue_statement"}
)
_MAX_USES: Final = 100
_MAX_CHECKS: Final = 2_000  # more complicated code counts as checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A condition that shows that the value exists if it is true, or if it is not."""

    condition: str
    is_true: bool

    @classmethod
    def of(cls, expression: Node, *, is_true: bool) -> Known:
        return cls(condition=_plain(expression), is_true=is_true)


class Guards:
    """Which expressions in a piece of code show that the value of a node exists.

    The value is called `name` in code, and `id` in references. `known` are conditions of other nodes.
    """

    def __init__(self, syntax: Syntax, *, name: str, id_: str, known: tuple[Known, ...]) -> None:
        self._syntax = syntax
        self._name = name
        self._id = id_
        self._known = known
        self._checks = count()

    def unguarded(self) -> Iterator[tuple[Node, Node | None]]:
        """Yield the uses that fail without a value, each with its access to a property, if there is one."""
        uses = [node for node in self._syntax.names_and_placeholders if self._is_name(node)]
        if any(map(_is_assigned, uses)):
            return
        for use in islice(uses, _MAX_USES):
            failing = self._failing(use)
            if failing and not self._is_guarded(failing):
                yield use, failing if failing.type in _ACCESS else None

    def proves(self, expression: Node | None, *, is_true: bool) -> bool:
        """Whether the value exists if the expression is true, or if it is false."""
        if expression is None:
            return False
        if next(self._checks) > _MAX_CHECKS:
            return True
        if self._known and Known.of(expression, is_true=is_true) in self._known:
            return True
        return self._proves(expression, is_true=is_true)

    def _proves(self, expression: Node, *, is_true: bool) -> bool:
        type_ = expression.type
        if type_ == "unary_expression" and expression.children[0].type == "!":
            return self.proves(_argument(expression), is_true=not is_true)
        if type_ == "binary_expression":
            return self._binary_proves(expression, is_true=is_true)
        if type_ == "identifier" and not self._is_name(expression):
            return self.proves(self._constant(expression), is_true=is_true)
        if type_ in _TRANSPARENT:
            return self.proves(_first(expression), is_true=is_true)
        if type_ == "call_expression" and _called(expression) in _CHECKS:
            arguments = children_of(expression.child_by_field_name("arguments"))
            return is_true and any(map(self._is_chain, arguments))
        return is_true and self._is_chain(expression)

    def _binary_proves(self, expression: Node, *, is_true: bool) -> bool:
        left, right = (expression.child_by_field_name(side) for side in ("left", "right"))
        operator = text(expression.child_by_field_name("operator") or expression)
        if operator in ("&&", "||"):
            sides = (self.proves(side, is_true=is_true) for side in (left, right))
            return any(sides) if is_true == (operator == "&&") else all(sides)
        if operator == "??":
            is_empty = right is not None and _plain(right) in _FALSY
            return is_true and is_empty and self.proves(left, is_true=True)
        sides_used = [side for side in (left, right) if side and self._is_chain(side)]
        if operator in _EQUAL | _UNEQUAL:
            absent = any(side is not None and _plain(side) in _ABSENT for side in (left, right))
            return bool(sides_used) and is_true == ((operator in _EQUAL) != absent)
        return operator in _ORDER and is_true and bool(sides_used)

    def _is_chain(self, expression: Node) -> bool:
        """Whether the expression is the name, or a path of properties and calls that starts at it."""
        node: Node | None = expression
        while node is not None and not self._is_name(node):
            if node.type == "unary_expression" and node.children[0].type == "typeof":
                node = _argument(node)
            elif node.type in _TRANSPARENT:
                node = _first(node)
            elif node.type in _CHAIN:
                field = _CHAIN[node.type]
                node = node.child_by_field_name(field) if field else _first(node)
            else:
                return False
        return node is not None

    def _is_name(self, node: Node) -> bool:
        if node.type not in ("identifier", "shorthand_property_identifier"):
            return False
        reference = self._syntax.reference_at(node)
        return reference.root == self._id if reference else text(node) == self._name

    def _constant(self, name: Node) -> Node | None:
        """Return the initial value of a name that the code declares once."""
        declared = [node for node in self._syntax.declarations if text(node) == text(name)]
        holder = declared[0].parent if len(declared) == 1 else None
        is_plain = holder and holder.type == "variable_declarator"
        return holder.child_by_field_name("value") if holder and is_plain else None

    def _failing(self, use: Node) -> Node | None:
        """Return the expression that fails if the name has no value; None if none does."""
        reference = self._syntax.reference_at(use)
        if reference and reference.path:
            return use
        node, parent = use, use.parent
        while parent is not None and parent.type in _TRANSPARENT and _first(parent) == node:
            node, parent = parent, parent.parent
        return parent if parent is not None and _fails(parent, node) else None

    def _is_guarded(self, node: Node) -> bool:
        """Whether the code around an expression only runs it if the value exists."""
        child, parent = node, node.parent
        while parent is not None:
            if self._guards(parent, child):
                return True
            child, parent = parent, parent.parent
        return False

    def _guards(self, parent: Node, child: Node) -> bool:
        match parent.type:
            case "binary_expression" if parent.child_by_field_name("right") == child:
                operator = text(parent.child_by_field_name("operator") or parent)
                left = parent.child_by_field_name("left")
                return operator in ("&&", "||") and self.proves(left, is_true=operator == "&&")
            case "if_statement" | "ternary_expression":
                condition = parent.child_by_field_name("condition")
                if child == parent.child_by_field_name("consequence"):
                    return self.proves(condition, is_true=True)
                is_else = child == parent.child_by_field_name("alternative")
                return is_else and self.proves(condition, is_true=False)
            case "while_statement" | "for_statement" if parent.child_by_field_name("body") == child:
                return self.proves(parent.child_by_field_name("condition"), is_true=True)
            case "try_statement":
                has_handler = parent.child_by_field_name("handler") is not None
                return has_handler and parent.child_by_field_name("body") == child
            case type_ if type_ in _SEQUENCES:
                return any(map(self._leaves_without, _before(parent, child)))
        return False

    def _leaves_without(self, statement: Node) -> bool:
        """Whether the code does not continue after this statement if there is no value."""
        if statement.type != "if_statement" or statement.child_by_field_name("alternative"):
            return False
        consequence = statement.child_by_field_name("consequence")
        last = consequence
        if consequence and consequence.type == "statement_block":
            last = (children_of(consequence) or [consequence])[-1]
        condition = statement.child_by_field_name("condition")
        exits = last is not None and last.type in _EXITS
        return exits and self.proves(condition, is_true=False)


def always_throws(syntax: Syntax) -> bool:
    """Whether the code certainly throws: a `throw` at its end that no `return` before it avoids."""
    statements = children_of(syntax.tree.root_node)
    if syntax.is_broken or not any(each.type == "throw_statement" for each in statements):
        return False
    return not any(each.type == "return_statement" for each in named_nodes(syntax.tree.root_node))


def _fails(parent: Node, node: Node) -> bool:
    """Whether this expression or statement fails if the value of the node in it is undefined."""
    match parent.type:
        case "member_expression" | "subscript_expression":
            is_optional = any(child.type in ("optional_chain", "?.") for child in parent.children)
            return parent.child_by_field_name("object") == node and not is_optional
        case "variable_declarator":
            pattern = parent.child_by_field_name("name")
            is_pattern = pattern is not None and pattern.type in ("object_pattern", "array_pattern")
            return is_pattern and parent.child_by_field_name("value") == node
        case "spread_element":
            return parent.parent is not None and parent.parent.type != "object"
        case "for_in_statement":
            is_of = any(child.type == "of" for child in parent.children)
            return is_of and parent.child_by_field_name("right") == node
        case "binary_expression":
            is_in = text(parent.child_by_field_name("operator") or parent) == "in"
            return is_in and parent.child_by_field_name("right") == node
    return False


def _is_assigned(name: Node) -> bool:
    parent = name.parent
    return (
        parent is not None
        and parent.type in ASSIGNMENTS
        and parent.child_by_field_name("left") == name
    )


def _before(parent: Node, child: Node) -> Iterator[Node]:
    for statement in children_of(parent):
        if statement == child:
            return
        yield statement


def _argument(node: Node) -> Node | None:
    return node.child_by_field_name("argument")


def _first(node: Node) -> Node | None:
    return next(iter(children_of(node)), None)


def _called(call: Node) -> str:
    called = call.child_by_field_name("function")
    return text(called) if called else ""


def _plain(expression: Node) -> str:
    """Return the source of an expression without its spaces and the parentheses around it."""
    inner: Node = expression
    while inner.type == "parenthesized_expression" and (first := _first(inner)):
        inner = first
    return "".join(text(inner).split())
