"""Slots: the parts of a module that its author is editing, as tokens that no code contains.

A module for the language server has a slot instead of each piece of code. Errors in one piece
therefore do not affect the others, and code can be replaced without generating the module again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

SlotKey = tuple[str, str]
"""A node and the path of a field inside it; the path "" is the place before the node."""


def _nonce() -> str:
    return secrets.token_hex(8)


@dataclass(slots=True)
class Slots:
    """Creates the tokens of one module; the nonce keeps users' text from looking like a token."""

    _nonce: str = field(default_factory=_nonce)
    _keys: dict[SlotKey, int] = field(default_factory=dict)

    def token(self, node_id: str, path: str) -> str:
        """Return the token of a field."""
        number = self._keys.setdefault((node_id, path), len(self._keys))
        return f"__slot_{self._nonce}_{number}__"

    def split(self, source: str) -> Iterator[str | SlotKey]:
        """Yield the text between the slots, and the keys of the slots; a repeated slot is `undefined`."""
        keys, seen = list(self._keys), set[int]()
        parts = re.split(rf"__slot_{self._nonce}_([0-9]+)__", source)
        for index, part in enumerate(parts):
            if index % 2 == 0:
                yield part
            elif int(part) in seen:
                yield "undefined"
            else:
                seen.add(int(part))
                yield keys[int(part)]
