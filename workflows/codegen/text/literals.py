"""The one way in which text of a document becomes text of a program."""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "*/": "*\\/", "</": "<\\/"}
_UNSAFE: Final = re.compile(
    r'[\\"`]|\$(?=\{)|\*/|</'
    r"|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]"  # controls and what ends a line
    r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # what makes text look like other text
    r"|[\ud800-\udfff]"
)
_BREAKS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


def literal(text: str) -> str:
    """Return a string literal whose value is the text."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """Return what stands for the text between quotes or backticks alike."""
    return _UNSAFE.sub(_escape, text)


def comment(text: str) -> str:
    """Return a comment to the end of the line; whatever could end that line is a space in it."""
    return f"// {_BREAKS.sub(' ', text)}"


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if found in '\\"`$':
        return f"\\{found}"
    return _SHORT.get(found) or f"\\u{ord(found):04x}"
