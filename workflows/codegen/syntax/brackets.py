"""Finds unmatched brackets, which parsers report poorly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

_CLOSES: Final = {")": ("(",), "]": ("[",), "}": ("{", "${")}
_OPENS: Final = frozenset(bracket for opens in _CLOSES.values() for bracket in opens)


def unmatched(root: Node, *, start: int, end: int) -> tuple[Node, str] | None:
    """Return the first unmatched bracket between these bytes, and what is wrong with it."""
    opened: list[Node] = []
    for leaf in _leaves(root):
        if not start <= leaf.start_byte < leaf.end_byte <= end:
            continue
        if leaf.type in _OPENS:
            opened.append(leaf)
        elif leaf.type in _CLOSES:
            if not opened or opened[-1].type not in _CLOSES[leaf.type]:
                return leaf, f"this {leaf.type} is unmatched"
            opened.pop()
    return (opened[-1], f"this {opened[-1].type} is not closed") if opened else None


def _leaves(root: Node) -> Iterator[Node]:
    """Yield the tokens of a tree in order."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.child_count:
            stack.extend(reversed(node.children))
        else:
            yield node
