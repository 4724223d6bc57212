"""Changes to code at positions of its syntax tree; everything else stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax


class Edits:
    """Replacements in a piece of code, which do not overlap."""

    def __init__(self, syntax: Syntax) -> None:
        self._data = syntax.data
        self._offset = 1 if syntax.code.is_expression else 0
        self._edits: list[tuple[int, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._edits)

    def replace(self, node: Node, text: str) -> None:
        """Replace a node of the tree."""
        self.between(node.start_byte, node.end_byte, text)

    def between(self, start: int, end: int, text: str) -> None:
        """Replace what is between two positions in the tree."""
        self._edits.append((start - self._offset, end - self._offset, text))

    def at_character(self, start: int, end: int, text: str) -> None:
        """Replace what is between two characters of the source."""
        self._edits.append((self._bytes[start], self._bytes[end], text))

    @cached_property
    def _bytes(self) -> Sequence[int]:
        """The position in bytes of each character, and of the end."""
        if self._data.isascii():
            return range(len(self._data) + 1)
        sizes = (len(character.encode()) for character in self._data.decode())
        return [0, *accumulate(sizes)]

    def append(self, text: str) -> None:
        """Add text to the end of the code."""
        self._edits.append((len(self._data), len(self._data), text))

    def result(self) -> str:
        """Return the code with all changes."""
        pieces, position = [], 0
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2]):
            pieces += [self._data[position:start], text.encode()]
            position = end
        return b"".join([*pieces, self._data[position:]]).decode()
