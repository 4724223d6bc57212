"""Who asks where nobody has logged in."""

from __future__ import annotations

import getpass


def operator() -> str:
    """Return the name of this system's user: a command has no user of the product."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
