"""Paths in configuration files: relative to the project, and inside it."""

from __future__ import annotations

import posixpath

from workflows.documents.projects.reading.paths import escape_reason


def inside(path: str) -> str | None:
    """Return the path relative to the project, "." for the project itself; None if it is outside of it."""
    if escape_reason(path) in ("", _PARENT):
        plain = posixpath.normpath(path)
        return None if plain == ".." or plain.startswith("../") else plain
    return None


_PARENT = escape_reason("..")
