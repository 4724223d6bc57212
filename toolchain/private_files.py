"""Secrets that the product makes for itself at first need: one private file each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make the folder readable by its owner alone, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; the first caller writes it, and two at once agree on one.

    The text is complete before the name exists: it is linked from a finished temporary file,
    which only one of two can do.
    """
    if not path.exists():
        _create(path, make())
    return path.read_text(encoding="utf-8").strip()


def _create(path: Path, text: str) -> None:
    descriptor, draft = tempfile.mkstemp(dir=private_folder(path.parent), prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its text is the one that counts
    finally:
        Path(draft).unlink()
