"""The rule for names that people choose: one line of text, without invisible characters."""

from __future__ import annotations

import re
from typing import Final

from toolchain.invisible_characters import invisible_problem

NAME_LENGTH: Final = 256
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def name_problem(name: str, *, longest: int = NAME_LENGTH) -> str:
    """Return why nothing can have this name; "" if something can."""
    if not 1 <= len(name) <= longest:
        return f"must have 1-{longest} characters"
    return invisible_problem(name) or ("" if is_visible(name) else "must have a visible character")


def stored_name_problem(name: str, *, longest: int = NAME_LENGTH) -> str:
    """Return why a document cannot have this name, or a node with this name or id; "" if it can.

    Pages are stricter, but documents that were made elsewhere can be imported and deployed.
    """
    if len(name) > longest:
        return f"must have 1-{longest} characters"
    return invisible_problem(name, _CONTROL)


def is_visible(name: str) -> bool:
    """Whether the name has a character that can be seen."""
    return any(part.isprintable() and not part.isspace() for part in name)
