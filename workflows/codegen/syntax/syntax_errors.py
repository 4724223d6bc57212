"""The first error in a syntax tree, in words; unmatched brackets come first, as parsers report them poorly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import Found, text

_CLOSES: Final = {")": ("(",), "]": ("[",), "}": ("{", "${")}
_OPENS: Final = frozenset(bracket for opens in _CLOSES.values() for bracket in opens)


def syntax_error(root: Node, *, start: int, end: int, lines: int) -> Found:
    """Return the position of the first error in a broken tree, and its message.

    The code is between the bytes `start` and `end` and has this number of `lines`.
    """
    bracket = _unmatched(root, start=start, end=end)
    if bracket:
        return bracket[0], f"syntax error: {bracket[1]}"
    node = _first_broken(root)
    if start and node.start_byte == 0:
        return node, "syntax error: this is not a single expression"
    if node.is_missing:
        return node, f"syntax error: {_expected(node)} is missing here"
    shown = " ".join(text(node).split())
    if node.start_point.row >= lines or not shown:
        return node, "syntax error: something is not closed"
    return node, f"syntax error at {shown[:40]}"


def _expected(node: Node) -> str:
    """Return what people call a token that is missing; the grammar has names for its kinds alone."""
    if not node.is_named:
        return node.type
    return "a name" if node.type.endswith("identifier") else "an expression"


def _unmatched(root: Node, *, start: int, end: int) -> Found | None:
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


def _first_broken(root: Node) -> Node:
    """Return the first faulty node of a broken tree, or the tree itself if none is marked."""
    node = root
    while not _is_broken(node):
        broken = [part for part in node.children if part.has_error or _is_broken(part)]
        if not broken:
            return node
        node = broken[0]
    return node


def _is_broken(node: Node) -> bool:
    return node.is_error or node.is_missing
