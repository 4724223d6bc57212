"""Replacing NUL characters, which PostgreSQL does not store in texts."""

from __future__ import annotations

import re
from typing import Final

_ESCAPED: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)\\u0000"
)  # but not an escaped backslash and u0000


def without_nul(text: str) -> str:
    """Return the text with U+FFFD in place of each NUL."""
    return text.replace("\0", "\ufffd")


def json_without_nul(document: bytes) -> bytes:
    """Return the JSON document with U+FFFD in place of each NUL in its strings and keys."""
    return _ESCAPED.sub(rb"\1\\ufffd", document)
