"""Bounds of configuration files, checked before anything else reads them."""

from __future__ import annotations

from typing import Final

MAX_CONFIG_BYTES: Final = 256 * 1024
MAX_NESTING: Final = 32
"""How deep values can be nested, and how many parts a dotted key can have."""
MAX_KEYS: Final = 5_000
"""How many keys and items a file can have."""

Path = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""


class TooComplex(Exception):
    """The text has too many keys, or is nested too deeply; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def too_many_keys(line: int) -> TooComplex:
    """Return the error."""
    return TooComplex(f"has more than {MAX_KEYS:,} keys and items", line)


def too_deep(line: int) -> TooComplex:
    """Return the error."""
    return TooComplex(f"nests values more than {MAX_NESTING} levels deep", line)
