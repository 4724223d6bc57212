"""Reading files of a program that is running."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def contents(folder: Path, pattern: str) -> dict[Path, bytes]:
    """Return a consistent set of files; starts over if SQLite removes one while they are read."""
    while True:
        files = [path for path in folder.glob(pattern) if path.is_file()]
        with suppress(FileNotFoundError):
            return {path: path.read_bytes() for path in files}
