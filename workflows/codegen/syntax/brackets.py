"""Finds the bracket that keeps code from being read: the mistake that parsers name worst."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

_CLOSES: Final = {")": ("(",), "]": ("[",), "}": ("{", "${")}
_OPENS: Final = frozenset(bracket for opens in _CLOSES.values() for bracket in opens)


def unmatched(root: Node, *, start: int, end: int) -> tuple[Node, str] | None:
    """Return the first bracket between these bytes without its partner, and why it is at fault."""
    opened: list[Node] = []
    for leaf in _leaves(root):
        if not start <= leaf.start_byte < leaf.end_byte <= end:
            continue
        if leaf.type in _OPENS:
            opened.append(leaf)
        elif leaf.type in _CLOSES:
            if not opened or opened[-1].type not in _CLOSES[leaf.type]:
                return leaf, f"this {leaf.type} closes nothing"
            opened.pop()
    return (opened[-1], f"this {opened[-1].type} is not closed") if opened else None


def _leaves(root: Node) -> Iterator[Node]:
    """Yield the tokens of a tree in their order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.child_count:
            waiting.extend(reversed(node.children))
        else:
            yield node
