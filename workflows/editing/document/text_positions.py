"""Positions in the text of a field, as the compiler counts them."""

from __future__ import annotations

import re
from typing import Final

_LINE_END: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_NAME_PART: Final = re.compile(r"[\w$]")


def offset_of(source: str, line: int, column: int) -> int | None:
    """Return the index of a position: line and column from 1, columns in UTF-16 code units."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(source))]
    if not 0 < line <= len(starts):
        return None
    units, at = column - 1, starts[line - 1]
    while units > 0 and at < len(source):
        units -= 2 if source[at] > "\uffff" else 1
        at += 1
    return at if units == 0 else None


def position_of(source: str, at: int) -> tuple[int, int]:
    """Return the line and the column of an index: the inverse of `offset_of`."""
    ends = list(_LINE_END.finditer(source, 0, at))
    before = source[ends[-1].end() if ends else 0 : at]
    return len(ends) + 1, sum(2 if each > "\uffff" else 1 for each in before) + 1


def is_name_at(source: str, at: int, name: str) -> bool:
    """Whether exactly this name starts at the index, and not a longer name."""
    end = at + len(name)
    around = source[max(at - 1, 0) : at] + source[end : end + 1]
    return source[at:end] == name and not _NAME_PART.search(around)
