"""Which compiler errors are certainly mistakes; code with any other error still runs as written.

TypeScript assumes that the first shape of a value is its only one. JavaScript adds properties later, assigns
values of other types, subtracts dates and leaves arguments out. So only these complaints block a
deploy: an unknown name, a misspelled property of a value whose shape is known from outside the code, a
wrong argument of the platform, and a breach of a type that the code declares itself.
"""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.origins import ASSIGNMENTS, FUNCTIONS, Origin, Origins, has_type
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import named_nodes, text

_UNKNOWN_NAMES: Final = frozenset(
    ["TS2304", "TS2503", "TS2552", "TS2580", "TS2581", "TS2582", "TS2583", "TS2584", "TS2591",
     "TS2592", "TS2593", "TS2662", "TS2663", "TS2693", "TS18004"]
)  # fmt: skip
# Reading a variable before its declaration, and assigning to a constant or an import.
_ALWAYS_FAILS: Final = frozenset({"TS2448", "TS2449", "TS2450", "TS2588", "TS2632"})
_NO_PROPERTY: Final = frozenset({"TS2339", "TS2550", "TS2551", "TS2576"})
_NOT_ASSIGNABLE: Final = frozenset(
    {"TS1360", "TS2322", "TS2353", "TS2559", "TS2561", "TS2739", "TS2740", "TS2741"}
)
_ARGUMENTS: Final = frozenset({"TS2345", "TS2554", "TS2555", "TS2769"})
# Operators and comparisons: the types of their results are right nevertheless.
_OPERATORS: Final = frozenset(
    ["TS1345", "TS2362", "TS2363", "TS2365", "TS2367", "TS2678", "TS2695", "TS2794", "TS2839",
     "TS2869", "TS2871", "TS2872", "TS2873"]
)  # fmt: skip

_ABOUT_SYNTAX: Final = re.compile(r"TS1\d{3}|TS2300|TS2451|TS2528")
# What JavaScript accepts, although the number is that of a syntax error: a key that an object has twice,
# computed names, `!` or `await` before any value, `satisfies`, a reference to no group of a regular expression.
_RUNS_ANYWAY: Final = frozenset(
    ["TS1117", "TS1118", "TS1119", "TS1166", "TS1168", "TS1169", "TS1170", "TS1320", "TS1321",
     "TS1322", "TS1345", "TS1360", "TS1534"]
)  # fmt: skip

_LINE: Final = re.compile(r"[^\n\r\u2028\u2029]*(?:\r\n|[\n\r\u2028\u2029]|$)")
_TYPE_IN_MESSAGE: Final = re.compile(r"on type '(.*?)'\.(?: |$)")
_BRACKETS: Final = re.compile(r"(?<!=)([{}\[\]()<>])")
_SHAPELESS: Final = re.compile(
    r"unknown|object|\{\}|Object|never|any|null|undefined|typeof globalThis|[A-Z]"
)
# Values that the platform turns into text or numbers as JavaScript does.
_NUMBER: Final = r"(?:number|boolean|bigint|Date|null|undefined|true|false|\d+)"
_TEXT: Final = r"(?:string|\"[^\"]*\")"
_CONVERTED: Final = re.compile(
    rf"[Tt]ype '(?:{_NUMBER}(?: \| {_NUMBER})*' is not assignable to (?:parameter of )?"
    r"type '(?:string|BodyInit|Blob)(?: \| \w+)*'"
    rf"|(?:{_TEXT}|{_NUMBER})(?: \| (?:{_TEXT}|{_NUMBER}))*' is not assignable to (?:parameter of )?"
    r"type '(?:number|boolean)(?: \| \w+)*')"
)
_OF_LANGUAGE: Final = re.compile(
    r"(?:string|number|boolean|bigint|symbol|\".*\"|\d+|true|false|.*\[\]|(?:readonly )?\[.*\]|"
    r"(?:Map|Set|WeakMap|WeakSet|Promise|Date|RegExp|RegExp\w+Array|\w*Error|\w*Array|ArrayBuffer|"
    r"\w*Iterator|Generator|AsyncGenerator|Function|String|Number|Boolean|Symbol|JSON|Math|Intl|"
    r"\w+Constructor|Reflect|Atomics|DataView)(?:<.*>)?|\(.*\) => .*|typeof \w+)"
)


class CertainMistakes:
    """Decides which of the compiler's complaints about a piece of code are mistakes."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._origins = Origins(syntax)
        self._lines: list[str] | None = None
        self._tested: set[str] | None = None
        self._tested_names: set[bytes | None] | None = None

    def is_certain(self, code: str, message: str, *, line: int, column: int) -> bool:
        """Whether the complaint at this position is certainly a mistake."""
        part = self._node_at(line, column)
        if part is not None and self._syntax.is_placeholder(part):
            return is_certain_in_text(code, message)
        if code in _UNKNOWN_NAMES:
            return part is None or not self._is_tested_with_typeof(part)
        if code in _ALWAYS_FAILS:
            return True
        if part is None:
            return False
        if code in _NO_PROPERTY:
            return self._is_misspelled(part, code, message)
        if code in _NOT_ASSIGNABLE | _ARGUMENTS:
            return self._is_wrong_value(part, code, message)
        return False

    def reshapes(self, code: str) -> bool:
        """Whether the types that the compiler infers from the code may be wrong."""
        return code not in _OPERATORS and not _ABOUT_SYNTAX.fullmatch(code)

    @staticmethod
    def is_about_syntax(code: str) -> bool:
        """Whether the complaint is about syntax or repeated declarations."""
        return bool(_ABOUT_SYNTAX.fullmatch(code)) and code not in _RUNS_ANYWAY

    def _node_at(self, line: int, column: int) -> Node | None:
        """Return the smallest node at a position, counted as the compiler counts."""
        code = self._syntax.code
        if self._lines is None:
            self._lines = _LINE.findall(code.source)
        if not 1 <= line <= len(self._lines):
            return None
        before = "".join([*self._lines[: line - 1], self._lines[line - 1][: column - 1]])
        start = len(before.encode("utf-8", "replace")) + (1 if code.is_expression else 0)
        return self._syntax.tree.root_node.named_descendant_for_byte_range(start, start + 1)

    # Names

    def _is_tested_with_typeof(self, part: Node) -> bool:
        """Whether the code asks first whether the name exists: `typeof window`."""
        if self._tested_names is None:
            self._tested_names = set()
            for node in named_nodes(self._syntax.tree.root_node):
                operator = node.child_by_field_name("operator")
                argument = node.child_by_field_name("argument")
                if operator and argument and operator.text == b"typeof":
                    self._tested_names.add(argument.text)
        return part.text in self._tested_names

    # Properties

    def _is_misspelled(self, part: Node, code: str, message: str) -> bool:
        match = _TYPE_IN_MESSAGE.search(message)
        type_, name = match[1] if match else "", text(part)
        holder = _holder(part)
        if holder is None or _has_default(part) or _SHAPELESS.fullmatch(type_):
            return False
        origin = self._origins.of(holder)
        if origin is Origin.TYPED:
            return not _is_in_one_shape(name, message)
        if _is_assigned(part) or name in self._origins.added_properties:
            return origin is Origin.OUTPUT and code == "TS2551"
        if origin is Origin.OUTPUT:
            return self._is_unknown_in_output(part, type_, message)
        if origin is Origin.UNSURE or _is_union(type_):
            return False
        return self._is_unknown_elsewhere(part, code, type_, origin)

    def _is_unknown_in_output(self, part: Node, type_: str, message: str) -> bool:
        """Whether no shape of another node's output has the property."""
        if type_ == "void":
            return not _is_optional(part)
        is_of_objects = type_.startswith("{") and not _is_in_one_shape(text(part), message)
        return is_of_objects or not _is_union(type_)

    def _is_unknown_elsewhere(self, part: Node, code: str, type_: str, origin: Origin) -> bool:
        if _is_optional(part):
            return False
        if _OF_LANGUAGE.fullmatch(type_):
            is_tested = text(part) in self._tested_properties
            return not is_tested and (code == "TS2551" or _is_called(part))
        return origin is Origin.PLATFORM

    @property
    def _tested_properties(self) -> set[str]:
        """The properties that the code looks at to find out whether they exist."""
        if self._tested is None:
            self._tested = set()
            for node in named_nodes(self._syntax.tree.root_node):
                if node.type == "member_expression" and _is_condition(node):
                    self._tested.add(text(node.child_by_field_name("property") or node))
        return self._tested

    # Values

    def _is_wrong_value(self, part: Node, code: str, message: str) -> bool:
        call = _call_around(part)
        if call is not None:
            return self._is_wrong_argument(call, message)
        return code not in _ARGUMENTS and self._breaks_declared_type(part)

    def _is_wrong_argument(self, call: Node, message: str) -> bool:
        called = call.child_by_field_name("function") or call.child_by_field_name("constructor")
        if call.child_by_field_name("type_arguments"):
            return True
        root = called
        while root and root.type in (
            "member_expression",
            "call_expression",
            "subscript_expression",
        ):
            root = root.child_by_field_name("object") or root.child_by_field_name("function")
        declared = self._origins.declarations.get(text(root), []) if root else []
        if called and called.type == "identifier" and declared:
            return any(map(_has_typed_parameters, declared))
        origin = self._origins.of(called)
        if origin is Origin.PLATFORM:
            return not _CONVERTED.search(message)
        return origin is Origin.TYPED

    def _breaks_declared_type(self, part: Node) -> bool:
        """Whether the value at this place has a type that the code declares."""
        node: Node | None = part
        while node is not None and node.type != "program":
            if node.type in ("satisfies_expression", "public_field_definition"):
                return node.type != "public_field_definition" or bool(
                    node.child_by_field_name("type")
                )
            if node.type == "variable_declarator":
                name = node.child_by_field_name("name")
                return name is not None and has_type(name)
            if node.type in ("required_parameter", "optional_parameter"):
                return node.child_by_field_name("type") is not None
            if node.type in ASSIGNMENTS:
                return self._origins.of(node.child_by_field_name("left")) is Origin.TYPED
            if node.type in FUNCTIONS:
                return node.child_by_field_name("return_type") is not None
            node = node.parent
        return False


def is_certain_in_text(code: str, message: str) -> bool:
    """Whether a complaint about a reference in text or JSON is certainly a mistake."""
    if code in _UNKNOWN_NAMES:
        return True
    match = _TYPE_IN_MESSAGE.search(message)
    type_ = match[1] if match else ""
    is_known = not _SHAPELESS.fullmatch(type_) and not _is_union(type_)
    return code in _NO_PROPERTY and is_known


def _is_union(type_: str) -> bool:
    """Whether several types are joined at the outermost level."""
    depth = 0
    for part in _BRACKETS.split(type_):
        if part and part in "{[(<":
            depth += 1
        elif part and part in "}])>":
            depth -= 1
        elif depth == 0 and " | " in part:
            return True
    return False


def _is_in_one_shape(name: str, message: str) -> bool:
    """Whether the message shows a union type with the property in one of its members."""
    shown = _TYPE_IN_MESSAGE.search(message)
    if shown is None or not _is_union(shown[1]):
        return False
    depth = 0
    members = re.compile(rf"(?<![\w$]){re.escape(name)}\??:")
    for part in _BRACKETS.split(shown[1]):
        if part and part in "{[(<":
            depth += 1
        elif part and part in "}])>":
            depth -= 1
        elif depth == 1 and members.search(part):
            return True
    return False


def _holder(part: Node) -> Node | None:
    """Return the object that lacks the property: before the dot, or being destructured."""
    parent = part.parent
    if parent and parent.type == "member_expression":
        return parent.child_by_field_name("object")
    while parent and parent.type in ("object_pattern", "pair_pattern", "object_assignment_pattern"):
        parent = parent.parent
    if parent and parent.type == "required_parameter":
        return part
    if parent and parent.type == "for_in_statement":
        return parent.child_by_field_name("right")
    return parent.child_by_field_name("value") if parent else None


def _has_default(part: Node) -> bool:
    parent = part.parent
    inner = (
        parent.child_by_field_name("value") if parent and parent.type == "pair_pattern" else None
    )
    default = ("object_assignment_pattern", "assignment_pattern")
    return (parent is not None and parent.type in default) or (
        inner is not None and inner.type in default
    )


def _is_assigned(part: Node) -> bool:
    """Whether the property is written, not read."""
    member = part.parent
    parent = member.parent if member else None
    if member is None or parent is None or parent.type != "assignment_expression":
        return False
    return parent.child_by_field_name("left") == member


def _is_optional(part: Node) -> bool:
    """Whether the property is read or called with `?.`."""
    member = part.parent
    parent = member.parent if member else None
    nodes = [node for node in (member, parent) if node is not None]
    return any(
        child.type == "optional_chain" or child.text == b"?."
        for node in nodes
        for child in node.children
    )


def _is_called(part: Node) -> bool:
    member = part.parent
    parent = member.parent if member else None
    return parent is not None and parent.child_by_field_name("function") == member


def _is_condition(node: Node) -> bool:
    """Whether the expression decides about something."""
    parent = node.parent
    while parent and parent.type == "parenthesized_expression":
        node, parent = parent, parent.parent
    if parent is None:
        return False
    operator = parent.child_by_field_name("operator")
    if operator is not None:
        is_unary = operator.text in (b"!", b"typeof")
        is_left = parent.child_by_field_name("left") == node
        return is_unary or (
            is_left and operator.text in (b"&&", b"||", b"??", b"===", b"!==", b"==", b"!=")
        )
    return parent.child_by_field_name("condition") == node


def _call_around(part: Node) -> Node | None:
    """Return the call that the node is an argument of, or that it names; not across a function."""
    node: Node | None = part
    while node is not None and node.type not in FUNCTIONS:
        parent = node.parent
        if parent is None or parent.type in ("variable_declarator", *ASSIGNMENTS):
            is_callee = parent is not None and node.type in ("call_expression", "new_expression")
            return node if is_callee and _names(node, part) else None
        if node.type == "arguments":
            return parent
        if node.type in ("call_expression", "new_expression") and _names(node, part):
            return node
        node = parent
    return None


def _names(call: Node, part: Node) -> bool:
    """Whether the node is in what is called, not in the arguments."""
    called = call.child_by_field_name("function") or call.child_by_field_name("constructor")
    is_inside = called is not None and called.start_byte <= part.start_byte < called.end_byte
    return is_inside or part == call


def _has_typed_parameters(name: Node) -> bool:
    """Whether the declared function, or the constructor of the class, has a parameter with a type."""
    declaration = name.parent
    value = declaration.child_by_field_name("value") if declaration else None
    body = declaration.child_by_field_name("body") if declaration else None
    members = body.named_children if body and body.type == "class_body" else []
    constructors = [member for member in members if _is_named(member, "constructor")]
    for node in (declaration, value, *constructors):
        parameters = node.child_by_field_name("parameters") if node else None
        if parameters and any(
            part.child_by_field_name("type") for part in parameters.named_children
        ):
            return True
    return has_type(name)


def _is_named(member: Node, expected: str) -> bool:
    name = member.child_by_field_name("name")
    return name is not None and text(name) == expected
