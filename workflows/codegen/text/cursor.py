"""Line and column of positions in text, computed in one pass."""

from __future__ import annotations


class Cursor:
    """Walks forward through a text; it cannot go back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1
        self._line_start = 0

    def at(self, position: int) -> tuple[int, int]:
        """Return line and column (in characters, from 1) of a position at or after the last one."""
        newlines = self._text.count("\n", self._position, position)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rfind("\n", self._position, position) + 1
        self._position = position
        return self._line, position - self._line_start + 1
