"""Commands of this project that users can paste into a terminal."""

from __future__ import annotations

from typing import Final

MANAGE: Final = ".venv/bin/python manage.py"
"""Runs in the project's folder, after `make run` or `make setup`."""


def command(*words: str) -> str:
    """Return the management command with its arguments."""
    return " ".join([MANAGE, *words])
