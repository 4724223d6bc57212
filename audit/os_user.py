"""Who asks where nobody has logged in."""

from __future__ import annotations

import getpass

from audit.trail import Actor


def operator() -> Actor:
    """Return this system's user by name: a command has no user of the product."""
    try:
        return Actor(name=f"{getpass.getuser()} (command line)")
    except (KeyError, OSError):
        return Actor(name="command line")
