"""Escapes text from a document for use in a program."""

from __future__ import annotations

import re
from typing import Final

from workflows.ir.reading.identifiers import is_identifier

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "*/": "*\\/", "</": "<\\/"}
_UNSAFE: Final = re.compile(
    r'[\\"`]|\$(?=\{)|\*/|</'
    r"|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]"  # control characters and line terminators
    r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # bidirectional marks, which disguise text
    r"|[\ud800-\udfff]"
)
_BREAKS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_MARKS: Final = re.compile(r"[@#=!/*<>\\`\"]+")


def literal(text: str) -> str:
    """Return a string literal whose value is the text."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """Return the text escaped for use inside quotes or backticks."""
    return _UNSAFE.sub(_escape, text)


def member(name: str, variable: str) -> str:
    """Return a member of an object literal."""
    key = member_key(name)
    return key if key == variable else f"{key}: {variable}"


def member_key(name: str) -> str:
    """Return a key of an object literal; a plain `__proto__` would set the prototype."""
    return name if is_identifier(name) and name != "__proto__" else f"[{literal(name)}]"


def comment(text: str, more: str = "") -> str:
    """Return a line comment that quotes a text, with `more` words of our own after it.

    It never ends early, and no compiler, linter or bundler finds a directive in it: those stand at
    the start of a comment, or consist of a mark and a word (`@license`, `# sourceMappingURL=`).
    """
    return f'// "{_MARKS.sub(" ", _BREAKS.sub(" ", text)).strip()}"{more}'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '\\"`$':
        return f"\\{character}"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
