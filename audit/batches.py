"""Old rows that may be removed, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some old rows: `remove` deletes the rows of these keys in one short transaction.

    `count` is how many rows that is. `cursor` is where the next batch begins; None if this is the last.
    """

    keys: Sequence[int]
    count: Callable[[Sequence[int]], int]
    remove: Callable[[Sequence[int]], int]
    cursor: str | None
