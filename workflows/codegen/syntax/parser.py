"""A user's TypeScript, parsed once by tree-sitter: errors, names, imports and uses of `env`."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from workflows.codegen.syntax.brackets import unmatched
from workflows.codegen.syntax.declared_names import is_declared, is_own
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
    """A piece of code and its syntax tree.

    References are replaced by names of the same length in bytes (over several lines, by a name and
    blanks), so that positions in the tree are positions in the code. An expression is parsed inside
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
        captures = QueryCursor(_QUERY).captures(self.tree.root_node)
        self._captures: dict[str, list[Node]] = captures
        self._sorted: set[str] = set()

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

    def captured(self, name: str) -> list[Node]:
        """Return the nodes that the query captured under this name, in source order.

        The library returns them in the order of memory addresses, which differs between processes.
        """
        nodes = self._captures.get(name)
        if nodes is None:
            return []
        if name not in self._sorted:
            nodes.sort(key=_position)
            self._sorted.add(name)
        return nodes

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the code uses or declares, without names of properties."""
        written = {node.text or b"" for node in self._written_names}
        return frozenset(name.decode("utf-8", "replace") for name in written)

    @cached_property
    def declared(self) -> frozenset[str]:
        """The names that the code declares, at any depth."""
        return frozenset(map(text, self._declarations))

    @cached_property
    def own(self) -> frozenset[str]:
        """The names that the code declares for itself as a whole."""
        return frozenset(text(node) for node in self._declarations if is_own(node))

    @property
    def _declarations(self) -> list[Node]:
        names = filter(is_declared, self._written_names)
        return [*names, *self.captured("class")]

    @property
    def _written_names(self) -> list[Node]:
        """The name nodes in source order, without the placeholders of references."""
        if not self._spans:
            return self.captured("name")
        placeholders = {start for start, _ in self._spans.values()}
        return [node for node in self.captured("name") if node.start_byte not in placeholders]

    def first(self, name: str) -> Node:
        """Return the first node with this name."""
        return next(node for node in self._written_names if text(node) == name)

    def free_names(self, among: Container[str]) -> set[str]:
        """Return which of these names the code uses without declaring them anywhere."""
        used = {name for name in self.names if name in among}
        if not used:
            return used
        named = ((text(node), node) for node in self.captured("name"))
        declared = {name for name, node in named if name in used and is_declared(node)}
        return used - declared - {text(node) for node in self.captured("class")}

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

    def mistakes(self) -> Iterator[Mistake]:
        """Yield why the code cannot be the body of a function, or the expression it should be."""
        if self.refused:
            yield from self.refused
            return
        source = self.code.source
        if "\0" in source or not (source.isascii() or self.data == _exact(source)):
            yield Mistake(
                line=1, column=1, message="the code contains characters that are not text"
            )
        elif source.startswith("#!"):
            yield Mistake(line=1, column=1, message="remove the line that starts with #!")
        elif self.tree.root_node.has_error:
            yield self._first_error()
        elif self.code.is_expression and self.expression is None:
            yield Mistake(
                line=1, column=1, message="must be a single expression, without `;` or return"
            )
        for node in self.captured("name") if b"\\" in self.data else ():
            if b"\\" in (node.text or b""):
                yield self.mistake(node, "write the name without escapes")

    def _first_error(self) -> Mistake:
        start = self._offset
        bracket = unmatched(self.tree.root_node, start=start, end=start + len(self.data))
        if bracket:
            return self.mistake(bracket[0], f"syntax error: {bracket[1]}")
        node = _first_broken(self.tree.root_node, lambda node: node.is_error or node.is_missing)
        lines = len(self.data.split(b"\n"))
        row, column = self.position_of(node)
        if self._offset and node.start_byte == 0:
            message = "syntax error: this is not a single expression"
        elif node.is_missing:
            message = f"syntax error: {node.type} is missing"
        elif row > lines or not text(node).strip():
            message = "syntax error: something is not closed"
        else:
            shown = " ".join(text(node).split())[:40]
            message = f"syntax error at {shown}"
        return Mistake(line=min(row, lines), column=max(column, 1), message=message)

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
        if "import_statement" not in self._captures and self.code.source.isascii():
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
            node
            for node in self.captured("import_statement")
            if node.parent and node.parent.type == "program"
        ]

    @property
    def needs_lines(self) -> bool:
        """Whether an expression needs lines of its own, as a comment could swallow what follows."""
        return b"//" in self.data or b"\n" in self.data or b"\r" in self.data

    def is_placeholder(self, node: Node) -> bool:
        """Whether the node stands for a reference."""
        return any(start <= node.start_byte < end for start, end in self._spans.values())

    def is_code(self, reference: Reference) -> bool:
        """Whether the reference is in code, not in a string or a comment."""
        start, end = self._spans[reference.start]
        part = self.tree.root_node.named_descendant_for_byte_range(start, end)
        spans = part is not None and (part.start_byte, part.end_byte) == (start, end)
        return spans and part is not None and part.type == "identifier"


def _position(node: Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


def children_of(node: Node | None) -> list[Node]:
    """Return the named children of a node, without comments."""
    children = node.named_children if node else []
    return [child for child in children if child.type != "comment"]


def named_nodes(root: Node) -> Iterator[Node]:
    """Yield the named nodes of a tree, each parent before its children, otherwise in no order."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.named_children)


def blanked(data: bytes) -> bytes:
    """Replace everything but line breaks with blanks."""
    return _NOT_A_BREAK.sub(b" ", data)


def text(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def string_value(node: Node | None) -> str | None:
    """Return the value of a plain string literal; None if it is computed or escaped."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    parts = node.named_children
    if any(part.type != "string_fragment" for part in parts):
        return None
    return "".join(map(text, parts))


def _exact(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")


def _first_broken(root: Node, is_broken: Callable[[Node], bool]) -> Node:
    """Return the first faulty node of a broken tree, or the tree itself if none is marked."""
    node = root
    while not is_broken(node):
        broken = [part for part in node.children if part.has_error or is_broken(part)]
        if not broken:
            return node
        node = broken[0]
    return node
