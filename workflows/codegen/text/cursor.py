"""Line and column of places in a text, found in one pass."""

from __future__ import annotations


class Cursor:
    """Goes through a text from its beginning; it cannot go back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1
        self._line_start = 0

    def at(self, position: int) -> tuple[int, int]:
        """Return line and column (characters, both from 1) of a place at or behind the last one."""
        ends = self._text.count("\n", self._position, position)
        if ends:
            self._line += ends
            self._line_start = self._text.rfind("\n", self._position, position) + 1
        self._position = position
        return self._line, position - self._line_start + 1
