"""Text of the source: values of string literals, and code on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import Place

MAX_SHOWN: Final = 120
MAX_NAME: Final = 1_000
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "",
}  # fmt: skip
_CODE_POINT: Final = re.compile(r"[xu]\{?([0-9a-fA-F]{1,6})\}?")
_LAST_CODE_POINT: Final = 0x10FFFF
WRAPPERS: Final = frozenset(
    {
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "instantiation_expression",
        "type_assertion",
    }
)


def unwrapped(node: Node) -> Node:
    """Return an expression without parentheses and type assertions around it."""
    while True:
        parts = children_of(node) if node.type in WRAPPERS else ()
        if not parts:
            return node
        node = parts[-1] if node.type == "type_assertion" else parts[0]


def is_async(function: Node) -> bool:
    """Whether a function returns a promise, so that it waits for what its code returns."""
    kinds = {part.type for part in function.children}
    return "async" in kinds and "*" not in kinds


def place_of(node: Node, file: str) -> Place:
    """Return the lines of a node."""
    return Place(file=file, line=node.start_point.row + 1, end_line=node.end_point.row + 1)


def lines_of(place: Place) -> str:
    """Return the numbers of the lines in words."""
    if place.line == place.end_line:
        return f"line {place.line}"
    return f"lines {place.line}\u2013{place.end_line}"


def shown(node: Node) -> str:
    """Return code on one line, shortened at its end."""
    source = text(node)[: 10 * MAX_SHOWN]
    line = " ".join(source.split())
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 1]}…"


def literal_text(node: Node) -> str:
    """Return the value of a string literal, or of a template without expressions."""
    return "".join(map(fragment_text, node.named_children))[:MAX_NAME]


def fragment_text(fragment: Node) -> str:
    """Return the text that a part of a string stands for."""
    source = text(fragment)
    return _unescaped(source[1:]) if fragment.type == "escape_sequence" else source


def _unescaped(escape: str) -> str:
    found = _CODE_POINT.fullmatch(escape)
    if not found:
        return _ESCAPES.get(escape, escape)
    code = int(found[1], 16)
    return chr(code) if code <= _LAST_CODE_POINT and not 0xD800 <= code <= 0xDFFF else "\ufffd"


def parts_shown(parts: tuple[str | None, ...]) -> str:
    """Return a text with an ellipsis for each part that is not known."""
    return "".join("…" if part is None else part for part in parts)


def template_parts(node: Node) -> Iterator[Node | str]:
    """Yield the texts of a template literal and its expressions."""
    for part in node.named_children:
        if part.type != "template_substitution":
            yield fragment_text(part)
        elif part.named_children:
            yield part.named_children[0]
