"""Finds `@fetch`, `@queue` and `@config` in entry code, which is not TypeScript: the parser recovers from them.

Code with errors can be slow to parse, so this is done in a separate process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tree_sitter import Node

from toolchain import bounded_calls
from workflows.codegen.syntax.bounded_parser import MAX_CODE
from workflows.codegen.syntax.parser import parse_typescript
from workflows.codegen.syntax.tree_nodes import named_nodes, text

FETCH: Final = "fetch"
QUEUE: Final = "queue"
CONFIG: Final = "config"
_KNOWN: Final = frozenset({FETCH, QUEUE, CONFIG})
_SECONDS: Final = 1.0  # of CPU time, as for other code


class TooComplex(Exception):
    """The code is too long, or takes too long to parse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """`@name` in front of a function or, for `@config`, of an object; positions are bytes."""

    name: str
    start: int
    end: int
    line: int


def annotations_in(source: str) -> list[Annotation]:
    """Return the annotations in source order; raises TooComplex."""
    if "@" not in source:
        return []
    if len(source.encode("utf-8", "replace")) > MAX_CODE:
        raise TooComplex(f"is longer than {MAX_CODE // 1000} KB")
    try:
        found = bounded_calls.call(find_annotations, source, seconds=_SECONDS)
    except bounded_calls.TookTooLong:
        raise TooComplex("takes too long to parse: make it shorter and simpler") from None
    return [Annotation(**each) for each in found]


def find_annotations(source: str) -> list[dict[str, Any]]:
    """Return the annotations as JSON; runs in a separate process."""
    tree = parse_typescript(source.encode("utf-8", "replace"))
    found = [
        {
            "name": text(name),
            "start": node.start_byte,
            "end": name.end_byte,
            "line": node.start_point[0] + 1,
        }
        for node in named_nodes(tree.root_node)
        if node.type == "decorator" and (name := _name(node))
    ]
    return sorted(found, key=lambda each: each["start"])


def _name(decorator: Node) -> Node | None:
    """Return the name of an annotation; None for the decorator of a class."""
    inner = decorator.named_children[0] if decorator.named_children else None
    function = inner.child_by_field_name("function") if inner else None
    name = function or inner
    if name is None or name.type != "identifier":
        return None
    is_error = decorator.parent is not None and decorator.parent.type == "ERROR"
    return name if is_error or text(name) in _KNOWN else None
