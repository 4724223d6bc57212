"""Keys of JSON objects as people write them: a repeated one is a mistake, of which JSON keeps the last."""

from __future__ import annotations

from collections import Counter
from typing import Any

from workflows.ir.reading.problems import quoted


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object, as `object_pairs_hook`; raises ValueError for a repeated key."""
    members = dict(pairs)
    if len(members) < len(pairs):
        duplicate = next(
            key for key, count in Counter(key for key, _ in pairs).items() if count > 1
        )
        raise ValueError(f"an object has the key {quoted(duplicate)} twice: keep one")
    return members
