"""Turns the template of a custom type into a function: the one that it exports by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Mistake, Syntax, blanked
from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.codegen.text.writer import Mapped, Piece

CONTEXT: Final = "NodeContext"
_FUNCTIONS: Final = frozenset({"function_expression", "function_declaration", "arrow_function"})
_MISSING: Final = (
    "write `export default async function (ctx) { ... }`, which nodes of this type run"
)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A range of bytes in the template, and the text that replaces it."""

    start: int
    end: int
    text: str


class Shape:
    """The template's default export, and its code without exports and imports."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        statements = syntax.export_statements
        self._defaults = [node for node in statements if _is_default(node)]
        self._others = [node for node in statements if not _is_default(node)]
        self.function = self._name()

    def mistakes(self) -> Iterator[Mistake]:
        """Yield why the exports of the template are not exactly one default function."""
        if not self._defaults:
            yield Mistake(line=1, column=1, message=_MISSING)
        for node in self._defaults[1:]:
            yield self._syntax.mistake(node, "there is already a default export: keep only one")
        for node in self._defaults[:1]:
            if _exported(node) is None:
                yield self._syntax.mistake(node, _MISSING)
        for node in self._others:
            if not node.child_by_field_name("declaration"):
                message = "export only the function, as the default export"
                yield self._syntax.mistake(node, message)

    @property
    def parameter(self) -> Node | None:
        """The pattern of the function's first parameter: `ctx`, or a destructuring of it."""
        exported = _exported(self._defaults[0]) if self._defaults else None
        if exported is None or exported.type not in _FUNCTIONS:
            return None
        bare = exported.child_by_field_name("parameter")
        if bare:
            return bare
        patterns = children_of(exported.child_by_field_name("parameters"))
        return patterns[0].child_by_field_name("pattern") if patterns else None

    def pieces(self, path: str) -> list[Piece]:
        """Return the template with the edits applied; each piece is mapped to its position."""
        pieces: list[Piece] = []
        position = 0
        for edit in sorted(self._edits(), key=lambda edit: (edit.start, edit.end)):
            pieces += self._mapped(position, edit.start, path)
            pieces.append(self._at(edit.start, edit.text, path))
            position = edit.end
        return [*pieces, *self._mapped(position, len(self._syntax.data), path)]

    def returned(self, path: str) -> Piece:
        """Return the statement that returns the function, in place of the export."""
        start = self._defaults[0].start_byte if self._defaults else 0
        return self._at(start, f"return {self.function};", path)

    def _name(self) -> str:
        exported = _exported(self._defaults[0]) if self._defaults else None
        name = exported.child_by_field_name("name") if exported else None
        if exported and exported.type == "function_declaration" and name:
            return text(name)
        function, number = "handle", 1
        while function in self._syntax.names:
            number += 1
            function = f"handle_{number}"
        return function

    def _edits(self) -> Iterator[_Edit]:
        data = self._syntax.data
        for node in self._syntax.top_imports:
            yield _Edit(
                node.start_byte,
                node.end_byte,
                blanked(data[node.start_byte : node.end_byte]).decode(),
            )
        for node in self._others:
            end = node.start_byte + len(b"export")
            yield _Edit(node.start_byte, end, " " * len("export"))
        for node in self._defaults[:1]:
            yield from self._default(node)

    def _default(self, node: Node) -> Iterator[_Edit]:
        exported = _exported(node)
        if exported is None:
            return
        before = self._syntax.data[node.start_byte : exported.start_byte]
        if exported.type == "function_declaration":
            yield _Edit(node.start_byte, exported.start_byte, blanked(before).decode())
        else:
            newlines = "\n" * before.count(b"\n")
            yield _Edit(node.start_byte, exported.start_byte, f"const {self.function} = {newlines}")
            yield _Edit(exported.end_byte, exported.end_byte, ";")
        yield from self._annotation()

    def _annotation(self) -> Iterator[_Edit]:
        """Add a type to the parameter if the author gave it none."""
        pattern = self.parameter
        parent = pattern.parent if pattern else None
        if pattern is None or parent is None:
            return
        if parent.type == "arrow_function":
            yield _Edit(pattern.start_byte, pattern.start_byte, "(")
            yield _Edit(pattern.end_byte, pattern.end_byte, f": {CONTEXT})")
        elif parent.type == "required_parameter" and not parent.child_by_field_name("type"):
            yield _Edit(pattern.end_byte, pattern.end_byte, f": {CONTEXT}")

    def _mapped(self, start: int, end: int, path: str) -> list[Piece]:
        written = self._syntax.data[start:end].decode("utf-8", "replace")
        return [self._at(start, written, path)] if written else []

    def _at(self, start: int, written: str, path: str) -> Mapped:
        before = self._syntax.data[:start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        return Mapped(written, path, before.count(b"\n") + 1, column)


def _is_default(node: Node) -> bool:
    return any(part.type == "default" for part in node.children)


def _exported(node: Node) -> Node | None:
    return node.child_by_field_name("value") or node.child_by_field_name("declaration")
