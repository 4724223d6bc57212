"""Commands that users can paste into a terminal, in a checkout or where the wheel is installed."""

from __future__ import annotations

from typing import Final

from toolchain.checkout import IS_CHECKOUT

MANAGE: Final = ".venv/bin/python manage.py" if IS_CHECKOUT else "awaitstep"
"""In a checkout, it runs in the project's folder, after `make run` or `make setup`."""

START: Final = "make run" if IS_CHECKOUT else f"{MANAGE} up"
INSTALL_TOOLCHAIN: Final = "make setup" if IS_CHECKOUT else f"{MANAGE} install_toolchain"


def command(*words: str) -> str:
    """Return the management command with its arguments."""
    return " ".join([MANAGE, *words])
