"""Which compiler errors are only about loose JavaScript that runs anyway.

To TypeScript the first shape of a value is its only one. JavaScript adds properties later, assigns
values of another type, and subtracts dates. Errors about values from outside the code (outputs,
arguments, the platform) are not tolerated.
"""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.declared_names import is_declared
from workflows.codegen.syntax.parser import Syntax, text

# Operators and comparisons across types, repeated `var`, and calls of `resolve` without a value.
HARMLESS: Final = frozenset(
    [
        "TS2362",
        "TS2363",
        "TS2365",
        "TS2367",
        "TS2403",
        "TS2678",
        "TS2695",
        "TS2794",
        "TS2839",
        "TS2869",
        "TS2871",
        "TS2872",
        "TS2873",
    ]
)
_NO_PROPERTY: Final = frozenset({"TS2339", "TS2551"})
_NOT_ASSIGNABLE: Final = frozenset({"TS2322", "TS2739", "TS2740", "TS2741", "TS2353", "TS2561"})
_ARGUMENTS: Final = frozenset({"TS2345", "TS2353", "TS2554", "TS2555", "TS2561", "TS2769"})
_LINE: Final = re.compile(r"[^\n\r\u2028\u2029]*(?:\r\n|[\n\r\u2028\u2029]|$)")
_TYPE_IN_MESSAGE: Final = re.compile(r"on type '(.*?)'\.(?: |$)")
_BRACKETS: Final = re.compile(r"(?<!=)([{}\[\]()<>])")
_INNER: Final = {
    "member_expression": "object",
    "subscript_expression": "object",
    "call_expression": "function",
    "new_expression": "constructor",
}
_TRANSPARENT: Final = frozenset(
    {"parenthesized_expression", "non_null_expression", "await_expression"}
)
_ASSIGNMENTS: Final = frozenset({"assignment_expression", "augmented_assignment_expression"})
_LITERALS: Final = frozenset({"object", "array"})


class ToleratedErrors:
    """Decides which type errors in a piece of code are tolerated."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._declarations: dict[str, list[Node]] = {}
        self._reassigned: set[str] = set()
        self._added_properties: set[str] = set()
        names = filter(is_declared, syntax.captured("name"))
        for name in (*names, *syntax.captured("class")):
            self._declarations.setdefault(text(name), []).append(name)
        self._collect_assignments(syntax.tree.root_node)

    def is_harmless(self, code: str, message: str, *, line: int, column: int) -> bool:
        """Whether the operation at this position runs as written."""
        if code in HARMLESS or self.reshapes(code, message, line=line, column=column):
            return True
        part = self._node_at(line, column)
        return code in _NO_PROPERTY and part is not None and _is_in_one_shape(text(part), message)

    def reshapes(self, code: str, message: str, *, line: int, column: int) -> bool:
        """Whether the code changes the shape of one of its own values there."""
        part = self._node_at(line, column)
        if part is None:
            return False
        if code in _NO_PROPERTY:
            return self._is_new_property(part, message)
        is_reshaped = code in _NOT_ASSIGNABLE and self._is_own(_assigned_root(part))
        return is_reshaped or (code in _ARGUMENTS and self._is_loose_call(part, code))

    def _node_at(self, line: int, column: int) -> Node | None:
        """Return the smallest node at a position, counted as the compiler counts."""
        code = self._syntax.code
        lines = _LINE.findall(code.source)
        if not 1 <= line <= len(lines):
            return None
        before = "".join([*lines[: line - 1], lines[line - 1][: column - 1]])
        start = len(before.encode("utf-8", "replace")) + (1 if code.is_expression else 0)
        return self._syntax.tree.root_node.named_descendant_for_byte_range(start, start + 1)

    def _collect_assignments(self, root: Node) -> None:
        stack = [root]
        while stack:
            part = stack.pop()
            stack.extend(part.named_children)
            target = part.child_by_field_name("left") if part.type in _ASSIGNMENTS else None
            if target and target.type == "identifier":
                self._reassigned.add(text(target))
            elif target and (name := target.child_by_field_name("property")):
                self._added_properties.add(text(name))

    def _is_new_property(self, part: Node, message: str) -> bool:
        holder = _holder(part)
        root = _root(holder) if holder else None
        if root is None:
            return False
        if root.type == "this":
            return text(part) in self._added_properties
        if not self._is_own(root):
            return False
        is_empty = "on type '{}'" in message
        return is_empty or text(part) in self._added_properties or text(root) in self._reassigned

    def _is_loose_call(self, part: Node, code: str) -> bool:
        """Whether this calls the code's own function, or a method of its own list or object."""
        call = part
        while call.parent and call.type not in ("call_expression", "new_expression"):
            call = call.parent
        called = call.child_by_field_name("function") or call.child_by_field_name("constructor")
        root = _root(called) if called else None
        if root is None or called is None or not self._is_own(root):
            return False
        declarations = self._declarations[text(root)]
        is_own_literal = any(_value_type(name) in _LITERALS for name in declarations)
        return code in ("TS2554", "TS2555") if called.type == "identifier" else is_own_literal

    def _is_own(self, root: Node | None) -> bool:
        """Whether the variable is declared in the code, without a type annotation."""
        declared = self._declarations.get(text(root), []) if root else []
        return bool(declared) and not any(map(_has_type, declared))


def _is_in_one_shape(name: str, message: str) -> bool:
    """Whether the message shows a union type with the property in one of its members."""
    shown = _TYPE_IN_MESSAGE.search(message)
    depth = 0
    members = re.compile(rf"(?<![\w$]){re.escape(name)}\??:")
    is_union, has_it = False, False
    for part in _BRACKETS.split(shown[1]) if shown else ():
        match part:
            case "{" | "[" | "(" | "<":
                depth += 1
            case "}" | "]" | ")" | ">":
                depth -= 1
            case _:
                is_union |= depth == 0 and " | " in part
                has_it |= depth == 1 and members.search(part) is not None
    return is_union and has_it


def _holder(part: Node) -> Node | None:
    """Return the object that lacks the property: before the dot, or being destructured."""
    parent = part.parent
    if parent and parent.type == "member_expression":
        return parent.child_by_field_name("object")
    while parent and parent.type in ("object_pattern", "pair_pattern", "object_assignment_pattern"):
        parent = parent.parent
    return parent.child_by_field_name("value") if parent else None


def _assigned_root(part: Node) -> Node | None:
    """Return the root variable of the assignment target parent the node."""
    node: Node | None = part
    while node and node.type not in _ASSIGNMENTS:
        node = node.parent if node.type not in ("statement_block", "program") else None
    target = node.child_by_field_name("left") if node else None
    return _root(target) if target else None


def _root(node: Node) -> Node | None:
    """Return the variable (or `this`) that an expression starts with."""
    root: Node | None = node
    while root and root.type not in ("identifier", "this"):
        if root.type in _TRANSPARENT:
            root = root.named_children[0] if root.named_children else None
        else:
            root = root.child_by_field_name(_INNER.get(root.type, "-"))
    return root


def _has_type(name: Node) -> bool:
    parent = name.parent
    return parent is not None and parent.child_by_field_name("type") is not None


def _value_type(name: Node) -> str:
    parent = name.parent
    value = parent.child_by_field_name("value") if parent else None
    return value.type if value else ""
