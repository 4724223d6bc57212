"""JSON with comments and trailing commas, as wrangler reads it."""

from __future__ import annotations

import re
from typing import Final

from workflows.documents.projects.wrangler.bounds import (
    MAX_KEYS,
    MAX_NESTING,
    too_deep,
    too_many_keys,
)

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\n]++)|(?P<comment>//[^\r\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)"
    r'|(?P<text>"(?:[^"\\\r\n]|\\.)*+")|(?P<mark>[\[\]{},:])|(?P<word>[^\s\[\]{},:"/]++)'
)
_NOT_A_BREAK: Final = re.compile(r"[^\r\n]")
_BEFORE_VALUE: Final = frozenset({"", "[", "{", ",", ":"})


def plain_json(text: str) -> str:
    """Return the text with spaces instead of comments and trailing commas; raises TooComplex.

    Every position stays the same. What is not JSON stays in the text.
    """
    return _Plain(text).text()


class _Plain:
    """The pieces so far; `_last` is the last mark or value, `_before` the one before it."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._pieces: list[str] = []
        self._before = self._last = ""
        self._comma = 0
        self._depth = self._values = 0

    def text(self) -> str:
        position = 0
        while found := _TOKEN.match(self._source, position):
            self._add(found, position)
            position = found.end()
        return "".join([*self._pieces, self._source[position:]])

    def _add(self, found: re.Match[str], position: int) -> None:
        piece = found[0]
        if found.lastgroup == "comment":
            piece = _NOT_A_BREAK.sub(" ", piece)
        elif found.lastgroup != "space":
            self._note(piece, position)
        self._pieces.append(piece)

    def _note(self, piece: str, position: int) -> None:
        if piece in ("]", "}"):
            self._depth -= 1
            if self._last == "," and self._before not in _BEFORE_VALUE:
                self._pieces[self._comma] = " "
        elif piece in ("[", "{"):
            self._depth += 1
        elif piece == ",":
            self._comma = len(self._pieces)
        self._values += piece not in ("]", "}", ",", ":")
        self._check(position)
        self._before, self._last = self._last, piece

    def _check(self, position: int) -> None:
        if self._depth > MAX_NESTING:
            raise too_deep(self._source.count("\n", 0, position) + 1)
        if self._values > 2 * MAX_KEYS:  # a key and a value
            raise too_many_keys(self._source.count("\n", 0, position) + 1)
