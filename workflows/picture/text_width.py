"""Estimates the width of text, and shortens text to a width."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

NAME: Final = 13.0  # font sizes of the stylesheet, in px
SMALL: Final = 11.0
_ELLIPSIS: Final = "…"
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[] ")
_BROAD: Final = frozenset("mwMW@%_—…")
_BOLD: Final = 1.1


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return the width in px in a wide font, so that the text fits in every common font."""
    return sum(map(_em, text)) * size * (_BOLD if is_bold else 1.0)


@lru_cache(maxsize=4096)
def _em(char: str) -> float:
    if char in _NARROW:
        return 0.4
    if char in _BROAD:
        return 1.02
    if char < "\x7f":
        return 0.72 if char.isupper() else 0.63
    if unicodedata.combining(char):
        return 0.0
    is_wide = unicodedata.east_asian_width(char) in "WF" or unicodedata.category(char) == "So"
    return 1.3 if is_wide else 0.95


def shortened(text: str, room: float, *, size: float, is_bold: bool = False) -> str:
    """Return the text on one line; if it is wider than `room`, an ellipsis replaces its middle."""
    line = " ".join(text.split())
    if len(line) < 400 and width_of(line, size, is_bold=is_bold) <= room:
        return line
    half = (room - width_of(_ELLIPSIS, size, is_bold=is_bold)) / 2
    start = _fitting(line, half, size=size, is_bold=is_bold)
    end = _fitting(line[::-1], half, size=size, is_bold=is_bold)[::-1]
    return f"{start.rstrip()}{_ELLIPSIS}{end.lstrip()}"


def _fitting(text: str, room: float, *, size: float, is_bold: bool) -> str:
    used = 0.0
    for at, char in enumerate(text):
        used += width_of(char, size, is_bold=is_bold)
        if used > room:
            return text[:at]
    return text
