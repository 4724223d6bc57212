"""Which complaints of the compiler are about loose JavaScript, which runs all the same.

TypeScript takes the first shape of a value for its only one. JavaScript extends an object later, gives
a variable a value of another kind, and subtracts dates; what comes from outside of the code (outputs,
arguments, the platform) is not its own to reshape, and complaints about that stand.
"""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.declared_names import is_declared
from workflows.codegen.syntax.parser import Syntax, text

# Operators and comparisons of other types, `var` twice, and calls of `resolve` without a value.
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
_OF_TYPE: Final = re.compile(r"on type '(.*?)'\.(?: |$)")
_PARTS: Final = re.compile(r"(?<!=)([{}\[\]()<>])")
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
    """What one piece of code does with the variables that are its own."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._declarations: dict[str, list[Node]] = {}
        self._reassigned: set[str] = set()
        self._added: set[str] = set()
        names = filter(is_declared, syntax.captured("name"))
        for name in (*names, *syntax.captured("class")):
            self._declarations.setdefault(text(name), []).append(name)
        self._look(syntax.tree.root_node)

    def is_harmless(self, code: str, message: str, *, line: int, column: int) -> bool:
        """Whether the operation at this place runs as it stands, with the type that it has."""
        if code in HARMLESS or self.reshapes(code, message, line=line, column=column):
            return True
        part = self._part_at(line, column)
        return code in _NO_PROPERTY and part is not None and _is_in_some(text(part), message)

    def reshapes(self, code: str, message: str, *, line: int, column: int) -> bool:
        """Whether the code makes something else of a value of its own there."""
        part = self._part_at(line, column)
        if part is None:
            return False
        if code in _NO_PROPERTY:
            return self._is_new_property(part, message)
        is_reshaped = code in _NOT_ASSIGNABLE and self._is_own(_assigned(part))
        return is_reshaped or (code in _ARGUMENTS and self._takes_anything(part, code))

    def _part_at(self, line: int, column: int) -> Node | None:
        """Return the smallest part of the tree at a place of the code, as the compiler counts them."""
        code = self._syntax.code
        lines = _LINE.findall(code.source)
        if not 1 <= line <= len(lines):
            return None
        before = "".join([*lines[: line - 1], lines[line - 1][: column - 1]])
        start = len(before.encode("utf-8", "replace")) + (1 if code.is_expression else 0)
        return self._syntax.tree.root_node.named_descendant_for_byte_range(start, start + 1)

    def _look(self, root: Node) -> None:
        waiting = [root]
        while waiting:
            part = waiting.pop()
            waiting.extend(part.named_children)
            target = part.child_by_field_name("left") if part.type in _ASSIGNMENTS else None
            if target and target.type == "identifier":
                self._reassigned.add(text(target))
            elif target and (added := target.child_by_field_name("property")):
                self._added.add(text(added))

    def _is_new_property(self, part: Node, message: str) -> bool:
        holder = _holder(part)
        root = _root(holder) if holder else None
        if root is None:
            return False
        if root.type == "this":
            return text(part) in self._added
        if not self._is_own(root):
            return False
        is_empty = "on type '{}'" in message
        return is_empty or text(part) in self._added or text(root) in self._reassigned

    def _takes_anything(self, part: Node, code: str) -> bool:
        """Whether this is a call of the code's own function, or of a list that it made itself."""
        call = part
        while call.parent and call.type not in ("call_expression", "new_expression"):
            call = call.parent
        called = call.child_by_field_name("function") or call.child_by_field_name("constructor")
        root = _root(called) if called else None
        if root is None or called is None or not self._is_own(root):
            return False
        is_made_here = any(_value(one) in _LITERALS for one in self._declarations[text(root)])
        return code in ("TS2554", "TS2555") if called.type == "identifier" else is_made_here

    def _is_own(self, root: Node | None) -> bool:
        """Whether the variable is declared in the code, without a type."""
        declared = self._declarations.get(text(root), []) if root else []
        return bool(declared) and not any(map(_has_type, declared))


def _is_in_some(name: str, message: str) -> bool:
    """Whether a value of several shapes has the property in one of them that the message shows."""
    found = _OF_TYPE.search(message)
    depth = 0
    members = re.compile(rf"(?<![\w$]){re.escape(name)}\??:")
    is_union, has_it = False, False
    for part in _PARTS.split(found[1]) if found else ():
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
    """Return what should have the property: the object before the dot, or what is taken apart."""
    around = part.parent
    if around and around.type == "member_expression":
        return around.child_by_field_name("object")
    while around and around.type in ("object_pattern", "pair_pattern", "object_assignment_pattern"):
        around = around.parent
    return around.child_by_field_name("value") if around else None


def _assigned(part: Node) -> Node | None:
    """Return the variable at the root of what is assigned to, where the part stands in that."""
    node: Node | None = part
    while node and node.type not in _ASSIGNMENTS:
        node = node.parent if node.type not in ("statement_block", "program") else None
    target = node.child_by_field_name("left") if node else None
    return _root(target) if target else None


def _root(node: Node) -> Node | None:
    """Return the variable (or `this`) that an expression begins with."""
    found: Node | None = node
    while found and found.type not in ("identifier", "this"):
        if found.type in _TRANSPARENT:
            found = found.named_children[0] if found.named_children else None
        else:
            found = found.child_by_field_name(_INNER.get(found.type, "-"))
    return found


def _has_type(name: Node) -> bool:
    around = name.parent
    return around is not None and around.child_by_field_name("type") is not None


def _value(name: Node) -> str:
    around = name.parent
    value = around.child_by_field_name("value") if around else None
    return value.type if value else ""
