"""Positions of the Language Server Protocol: lines and UTF-16 units, both counted from 0."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Lines:
    """A text that converts between offsets in characters and positions."""

    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> dict[str, int]:
        """Return the position of an offset."""
        line = bisect_right(self._starts, offset) - 1
        return {"line": line, "character": utf16_length(self.text[self._starts[line] : offset])}

    def range(self, start: int, end: int) -> dict[str, Any]:
        """Return the range of two offsets."""
        return {"start": self.position(start), "end": self.position(end)}

    def offset(self, position: dict[str, int]) -> int:
        """Return the offset of a position; beyond the end of a line, it is the end of the line."""
        line = min(position["line"], len(self._starts) - 1)
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        text = self.text[start:end]
        return start + min(_characters(text, position["character"]), len(text.rstrip("\r\n")))

    def line_before(self, offset: int) -> str:
        """Return the part of the line before the offset."""
        return self.text[self._starts[bisect_right(self._starts, offset) - 1] : offset]


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _characters(text: str, units: int) -> int:
    """Return the number of characters in the first UTF-16 units of a text."""
    if text.isascii():
        return units
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * units]
    return len(data.decode("utf-16-le", "surrogatepass"))
