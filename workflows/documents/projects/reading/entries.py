"""An entry of an archive, whichever format it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a folder; `reason` says why something else is refused.

    `read` returns at most the given number of bytes, whatever size the archive claims.
    """

    name: str
    read: Callable[[int], bytes]
    is_folder: bool = False
    reason: str = ""


class UnreadableArchive(Exception):
    """The archive cannot be read, for the reason in the message."""


def nothing(_most: int) -> bytes:
    """Return the content of an entry that has none."""
    return b""
