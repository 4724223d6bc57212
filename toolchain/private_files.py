"""Private files for secrets that are created on first use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Create the folder if needed, restrict it to its owner, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; the first call creates it with the result of `make`.

    This is safe in parallel: the file is a link to a complete temporary file, and only one
    process can create the link.
    """
    if not path.exists():
        _create(path, make())
    return path.read_text(encoding="utf-8").strip()


def _create(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(
        dir=private_folder(path.parent), prefix=f".{path.name}-"
    )
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first: its text is used
    finally:
        Path(temporary).unlink()
