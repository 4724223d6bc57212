"""The outcome of an operation, apart from the new document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Touch = tuple[str, str]
"""A node's id and the path of a member in it: "" for the whole node, PLACE or ARMS for the tree.

A node "" is the document; its paths are its members.
"""

PLACE: Final = "place"
ARMS: Final = "arms"
EVERYTHING: Final[Touch] = ("*", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done, in a few words; what it touches; the node to show; nodes with new ids.

    `document` replaces the whole document, instead of what is on the workbench.
    """

    summary: str
    touched: tuple[Touch, ...] = ()
    selected: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    document: dict[str, Any] | None = None


def overlap(first: Touch, second: Touch) -> bool:
    """Whether two operations that touch these parts could overwrite each other."""
    if EVERYTHING in (first, second):
        return True
    if first[0] != second[0]:
        return False
    one, other = first[1], second[1]
    return (
        not one
        or not other
        or f"{one}.".startswith(f"{other}.")
        or f"{other}.".startswith(f"{one}.")
    )
