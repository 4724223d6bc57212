"""Files of something that runs on while they are read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def contents(folder: Path, pattern: str) -> dict[Path, bytes]:
    """Return the files as they were together: what SQLite removes meanwhile went into another one."""
    while True:
        files = [path for path in folder.glob(pattern) if path.is_file()]
        with suppress(FileNotFoundError):
            return {path: path.read_bytes() for path in files}
