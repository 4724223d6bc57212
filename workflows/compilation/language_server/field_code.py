"""The code of one field as it appears in the module, and the mapping of positions between the two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from tree_sitter import Node

from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.codegen.analysis.import_header import statement
from workflows.codegen.steps.values import access
from workflows.codegen.syntax import imports
from workflows.codegen.syntax.bounded_parser import is_too_complex, syntax_of
from workflows.codegen.syntax.imports import Binding
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.reading import fields

Resolve = Callable[[str], str]
"""Returns the expression for the first name of a reference."""

EMPTY_BODY: Final = "return undefined as any;"
EMPTY_EXPRESSION: Final = "undefined as any"
_MAX_BROKEN_LINE: Final = (
    10_000  # characters; the server looks for errors in longer ones for seconds
)
_EXPORTED: Final = frozenset({"export", "default"})


@lru_cache(maxsize=2_000)
def parsed(
    path: str, source: str, *, is_expression: bool, parameters: tuple[str, ...] = ()
) -> Syntax:
    """Return the syntax tree of a field's text."""
    return syntax_of(fields.code(path, source, is_expression=is_expression, parameters=parameters))


@dataclass(frozen=True, slots=True)
class _Run:
    """A part of the module that comes from a part of the field: the same text, or a replacement."""

    start: int
    end: int
    field_start: int
    field_end: int
    is_same: bool


class FieldCode:
    """The text in the module for the text of a field.

    References are replaced, and imports and `export` are blanked. If the code both refers to a name
    and declares that name, the outer one gets an alias.
    """

    def __init__(self, syntax: Syntax, resolve: Resolve, *, is_untyped: bool = False) -> None:
        self.syntax = syntax
        self.source = syntax.code.source
        self.is_untyped = is_untyped
        self.is_broken = syntax.is_broken
        self._pieces: list[str] = []
        self._runs: list[_Run] = []
        self._length = 0
        before, after = self._around(resolve, is_untyped=is_untyped)
        self._append(before)
        self._body(resolve)
        self._append(after)
        self.text = "".join(self._pieces)

    @property
    def placeholder(self) -> str:
        """The replacement for broken code, which would affect other code."""
        return EMPTY_EXPRESSION if self.syntax.code.is_expression else EMPTY_BODY

    @cached_property
    def is_too_complex(self) -> bool:
        """Whether the code would keep the language server busy."""
        lines = self.source.split("\n") if self.is_broken else ()
        return is_too_complex(self.syntax) or any(len(line) > _MAX_BROKEN_LINE for line in lines)

    @property
    def bindings(self) -> Iterator[Binding]:
        """The names that the code imports."""
        for declaration in imports.declarations(self.syntax):
            yield from declaration.bindings

    def to_module(self, offset: int) -> int:
        """Return the offset in the module's part for an offset in the field."""
        for run in reversed(self._runs):
            if run.field_start <= offset:
                inside = offset - run.field_start
                if not run.is_same:
                    return run.end if inside else run.start
                return min(run.start + inside, run.end)
        return self._runs[0].start if self._runs else 0

    def to_field(self, offset: int) -> int | None:
        """Return the offset in the field for an offset in the module's part; None in text that was added."""
        index = bisect_right(self._runs, offset, key=lambda run: run.start) - 1
        if index < 0 or offset > self._runs[index].end:
            return None
        run = self._runs[index]
        if run.is_same:
            return run.field_start + offset - run.start
        return run.field_end if offset == run.end else run.field_start

    def _around(self, resolve: Resolve, *, is_untyped: bool) -> tuple[str, str]:
        """Return the text to add before and after the field's text."""
        code, clashes = self.syntax.code, list(self._clashes(resolve))
        if code.is_expression:
            if not code.source.strip():
                return "", f" {EMPTY_EXPRESSION}"
            values = ", ".join(f"{_alias(name)} = {name}" for name in clashes)
            opened, closed = (f"(({values}) => (", "\n))()") if clashes else ("", "")
            return (f"({opened}", f"{closed}) as any") if is_untyped else (opened, closed)
        aliases = "".join(f"const {_alias(name)} = {name}; " for name in clashes)
        if is_untyped:
            return f"{aliases}return (async (): Promise<any> => {{ ", "\n})();"
        return f"{aliases}{{ ", "\n}"

    def _clashes(self, resolve: Resolve) -> dict[str, None]:
        """Return the names that the code both refers to and declares."""
        names = (_first_name(resolve(part.root)) for part in self.syntax.code.references)
        return dict.fromkeys(name for name in names if name in self.syntax.declared)

    def _body(self, resolve: Resolve) -> None:
        source, position = _blanked(self.syntax), 0
        clashes = self._clashes(resolve)
        for reference in self.syntax.code.references:
            self._append(source[position : reference.start], position, reference.start)
            root = resolve(reference.root)
            name = _first_name(root)
            if name in clashes:
                root = _alias(name) + root.removeprefix(name)
            written = root + access(reference.path)
            self._append(written, reference.start, reference.end, is_same=False)
            position = reference.end
        self._append(source[position:], position, len(source))

    def _append(self, text: str, start: int = -1, end: int = -1, *, is_same: bool = True) -> None:
        """Add text; with `start` and `end`, it represents this part of the field."""
        if start >= 0:
            last = self._length + len(text)
            self._runs.append(_Run(self._length, last, start, end, is_same))
        self._pieces.append(text)
        self._length += len(text)


def _first_name(expression: str) -> str:
    return expression.partition(".")[0]


def _alias(name: str) -> str:
    return f"__of_{name}"


def _blanked(syntax: Syntax) -> str:
    """Return the code with imports and exports replaced by spaces of the same length."""
    nodes = list(syntax.top_imports)
    spans = [(node.start_byte, node.end_byte) for node in nodes]
    if syntax.code.path == ENTRY_PATH:
        spans += [span for node in syntax.export_statements for span in _export(node)]
    source = syntax.code.source
    for start, end in _characters(syntax, spans):
        kept = "".join(char if char in "\r\n" else " " for char in source[start:end])
        source = source[:start] + kept + source[end:]
    return source


def _export(node: Node) -> Iterator[tuple[int, int]]:
    """Yield the part that makes a declaration an export, or the whole of any other export."""
    if node.child_by_field_name("declaration"):
        for part in node.children:
            if part.type in _EXPORTED:
                yield part.start_byte, part.end_byte
    else:
        yield node.start_byte, node.end_byte


def _characters(syntax: Syntax, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans of bytes as spans of characters."""
    for start, end in spans:
        if syntax.code.source.isascii():
            yield start, end
        else:
            before = len(syntax.data[:start].decode("utf-8", "replace"))
            yield before, before + len(syntax.data[start:end].decode("utf-8", "replace"))


def import_statement(binding: Binding) -> str:
    """Return the declaration of one imported name."""
    return " ".join(statement(binding.module, [binding]))
