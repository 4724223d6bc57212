"""A user's TypeScript, parsed once by tree-sitter: errors, names, imports and uses of `env`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from workflows.codegen.syntax.syntax_errors import syntax_error
from workflows.codegen.syntax.tree_nodes import (
    Found,
    children_of,
    in_source_order,
    is_declared,
    is_own,
    text,
)
from workflows.ir.reading.fields import Code
from workflows.ir.reading.references import Reference

_LANGUAGE: Final = Language(tree_sitter_typescript.language_typescript())
_PARSER: Final = Parser(_LANGUAGE)
_QUERY: Final = Query(
    _LANGUAGE,
    """
    [(identifier) (shorthand_property_identifier) (shorthand_property_identifier_pattern)] @name
    [(class_declaration name: (type_identifier) @class)
     (abstract_class_declaration name: (type_identifier) @class)
     (class name: (type_identifier) @class)]
    (import) @import
    (this) @this
    (meta_property) @meta
    (import_statement) @import_statement
    (export_statement) @export_statement
    """,
)
_NOT_A_LINE_END: Final = re.compile(r"[^\n\r\u2028\u2029]")
_NOT_A_BREAK: Final = re.compile(rb"[^\n\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An error at a position in the code; line and column count from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


def parse_typescript(data: bytes) -> Tree:
    """Return the syntax tree of TypeScript in UTF-8, which may contain errors."""
    return _PARSER.parse(data)


class Syntax:
    """A piece of code, its syntax tree, and the nodes and names in it, in source order.

    References are replaced by names of the same length in bytes (over several lines, by a name and
    spaces), so that positions in the tree are positions in the code. An expression is parsed inside
    parentheses, which nothing in it can close.

    Use `bounded_parser.syntax_of` for code that may be slow to parse. Code that is `refused` for
    these mistakes is not parsed: its tree is empty.
    """

    def __init__(self, code: Code, *, refused: tuple[Mistake, ...] = ()) -> None:
        self.code = code
        self.refused = refused
        self.data = code.source.encode("utf-8", "replace")
        self._offset = 1 if code.is_expression else 0
        self._spans: dict[int, tuple[int, int]] = {}
        blanked = self._blanked()
        wrapped = b"(" + blanked + b"\n)" if self._offset else blanked
        self.tree = parse_typescript(b"" if refused else wrapped)
        self._captures = QueryCursor(_QUERY).captures(self.tree.root_node)
        self._sorted: dict[str, list[Node]] = {}

    def _blanked(self) -> bytes:
        if not self.code.references:
            return self.data
        source, pieces, position = self.code.source, [], 0
        size = self._offset
        for reference in self.code.references:
            before = source[position : reference.start].encode("utf-8", "replace")
            written = source[reference.start : reference.end].encode("utf-8", "replace")
            name = b"_" * len(written.splitlines()[0])
            start = size + len(before)
            size = start + len(written)
            self._spans[reference.start] = (start, start + len(name))
            pieces += [before, name, blanked(written[len(name) :])]
            position = reference.end
        return b"".join([*pieces, source[position:].encode("utf-8", "replace")])

    @property
    def is_broken(self) -> bool:
        """Whether the code has a syntax error or is refused."""
        return bool(self.refused) or self.tree.root_node.has_error

    def _captured(self, name: str) -> list[Node]:
        """Return the nodes that the query captured under this name, in source order."""
        if name not in self._captures:
            return []
        if name not in self._sorted:
            self._sorted[name] = in_source_order(self._captures[name])
        return self._sorted[name]

    @property
    def class_names(self) -> list[Node]:
        """The names of classes."""
        return self._captured("class")

    @property
    def import_keywords(self) -> list[Node]:
        """The word `import` in calls."""
        return self._captured("import")

    @property
    def import_statements(self) -> list[Node]:
        """The import declarations, at any depth."""
        return self._captured("import_statement")

    @property
    def export_statements(self) -> list[Node]:
        """The exports."""
        return self._captured("export_statement")

    @property
    def this_nodes(self) -> list[Node]:
        """The uses of `this`."""
        return self._captured("this")

    @property
    def meta_properties(self) -> list[Node]:
        """Expressions such as `import.meta` and `new.target`."""
        return self._captured("meta")

    @property
    def written_names(self) -> list[Node]:
        """The names in the code, without those of properties and the placeholders of references."""
        names = self._captured("name")
        if not self._spans:
            return names
        placeholders = {start for start, _ in self._spans.values()}
        return [node for node in names if node.start_byte not in placeholders]

    @property
    def names_and_placeholders(self) -> list[Node]:
        """The names in the code, and the placeholders of references."""
        return self._captured("name")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the code uses or declares, without names of properties."""
        written = {node.text or b"" for node in self.written_names}
        return frozenset(name.decode("utf-8", "replace") for name in written)

    @cached_property
    def declarations(self) -> list[Node]:
        """The names where they are declared, at any depth."""
        return [*filter(is_declared, self.written_names), *self.class_names]

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names that the code declares, at any depth."""
        return frozenset(map(text, self.declarations))

    @cached_property
    def own(self) -> frozenset[str]:
        """The names that the code declares for itself as a whole."""
        return frozenset(text(node) for node in self.declarations if is_own(node))

    @cached_property
    def free(self) -> Mapping[str, Node]:
        """The names that the code uses without declaring them anywhere, each where it is used first."""
        free = self.names - self.declared
        named = ((text(node), node) for node in reversed(self.written_names))
        return {name: node for name, node in named if name in free}

    def position_of(self, node: Node) -> tuple[int, int]:
        """Return line and column (in characters, from 1) of a node in the code."""
        row, column = node.start_point
        start = node.start_byte - self._offset
        line_start = self.data.rfind(b"\n", 0, max(start, 0)) + 1
        before = self.data[line_start : max(start, 0)].decode("utf-8", "replace")
        return row + 1, len(before) + 1 if start >= 0 else column

    def mistake(self, node: Node, message: str) -> Mistake:
        """Return a mistake at the position of a node."""
        line, column = self.position_of(node)
        return Mistake(line=line, column=column, message=message)

    def located(self, found: Iterable[Found]) -> list[Mistake]:
        """Return complaints about nodes as mistakes at the positions of these nodes."""
        return [self.mistake(node, message) for node, message in found]

    def mistakes(self) -> list[Mistake]:
        """Return why the code cannot be the body of a function, or the expression it should be."""
        return [*self.refused] if self.refused else [*self._mistakes()]

    def _mistakes(self) -> Iterator[Mistake]:
        source = self.code.source
        if "\0" in source or not (source.isascii() or self.data == _exact(source)):
            yield _whole("the code contains characters that are not text")
        elif source.startswith("#!"):
            yield _whole("remove the line that starts with #!")
        elif self.tree.root_node.has_error:
            yield self._first_error()
        elif self.code.is_expression and self.expression is None:
            yield _whole("must be a single expression, without `;` or return")
        for node in self.written_names if b"\\" in self.data else ():
            if b"\\" in (node.text or b""):
                yield self.mistake(node, "write the name without escapes")

    def _first_error(self) -> Mistake:
        lines = self.data.count(b"\n") + 1
        node, message = syntax_error(
            self.tree.root_node, start=self._offset, end=self._offset + len(self.data), lines=lines
        )
        line, column = self.position_of(node)
        return Mistake(line=min(line, lines), column=max(column, 1), message=message)

    @cached_property
    def expression(self) -> Node | None:
        """The single expression that the code consists of; None if it is anything else."""
        parts = children_of(self.tree.root_node)
        if len(parts) != 1 or parts[0].type != "expression_statement":
            return None
        inner = parts[0].named_children[0]
        is_wrapped = (
            inner.type == "parenthesized_expression" and inner.end_byte == len(self.data) + 3
        )
        expressions = children_of(inner) if is_wrapped else []
        return expressions[0] if len(expressions) == 1 else None

    @property
    def without_imports(self) -> str:
        """The code with import declarations blanked out: they move to the module's header."""
        if not self.import_statements and self.code.source.isascii():
            return self.code.source
        data, position, pieces = self.data, 0, []
        for node in self.top_imports:
            pieces.append(data[position : node.start_byte].decode())
            moved = data[node.start_byte : node.end_byte].decode()
            pieces.append(_NOT_A_LINE_END.sub(" ", moved))
            position = node.end_byte
        return "".join([*pieces, data[position:].decode()])

    @property
    def top_imports(self) -> list[Node]:
        """The import declarations at the top level."""
        return [
            node for node in self.import_statements if node.parent and node.parent.type == "program"
        ]

    @property
    def needs_lines(self) -> bool:
        """Whether an expression needs lines of its own, as a comment could swallow what follows."""
        return b"//" in self.data or b"\n" in self.data or b"\r" in self.data

    def is_placeholder(self, node: Node) -> bool:
        """Whether the node stands for a reference."""
        return any(start <= node.start_byte < end for start, end in self._spans.values())

    def reference_at(self, node: Node) -> Reference | None:
        """Return the reference that the node stands for."""
        return self._by_start.get(node.start_byte)

    @cached_property
    def _by_start(self) -> Mapping[int, Reference]:
        """The references by the first byte of their placeholders."""
        spans = self._spans
        return {spans[each.start][0]: each for each in self.code.references if each.start in spans}

    @property
    def misplaced_references(self) -> list[Reference]:
        """The references where no expression is allowed, such as after a dot; none of broken code."""
        if not self.code.references or self.is_broken:
            return []
        return [each for each in self.code.references if not self._is_expression(each)]

    def _is_expression(self, reference: Reference) -> bool:
        start, end = self._spans[reference.start]
        part = self.tree.root_node.named_descendant_for_byte_range(start, end)
        spans = part is not None and (part.start_byte, part.end_byte) == (start, end)
        return spans and part is not None and part.type == "identifier"


def blanked(data: bytes) -> bytes:
    """Replace everything but line breaks with spaces."""
    return _NOT_A_BREAK.sub(b" ", data)


def _exact(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")


def _whole(message: str) -> Mistake:
    return Mistake(line=1, column=1, message=message)
