"""The rule for names that people choose: one line of text, without invisible characters."""

from __future__ import annotations

import re
from typing import Final

NAME_LENGTH: Final = 256
_LINE_BREAKS: Final = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
# Control characters, line and paragraph separators, characters that change the direction of the text
# around them, and the byte order mark. Joiners stay allowed: Persian, Hindi and emoji need them.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


def name_problem(name: str, *, longest: int = NAME_LENGTH) -> str:
    """Return why nothing can have this name; "" if something can."""
    if not 1 <= len(name) <= longest:
        return f"must have 1-{longest} characters"
    return invisible_problem(name) or ("" if is_visible(name) else "must have a visible character")


def invisible_problem(text: str) -> str:
    """Return why text that may be empty cannot be shown as a name; "" if it can."""
    return _problem(text, _INVISIBLE)


def stored_name_problem(name: str, *, longest: int = NAME_LENGTH) -> str:
    """Return why a document cannot have this name, or a node with this name or id; "" if it can.

    Pages are stricter, but documents that were made elsewhere can be imported and deployed.
    """
    if len(name) > longest:
        return f"must have 1-{longest} characters"
    return _problem(name, _CONTROL)


def _problem(text: str, refused: re.Pattern[str]) -> str:
    found = None if text.isprintable() else refused.search(text)
    if found is None:
        return ""
    if found[0] in _LINE_BREAKS:
        return "must be on one line"
    return f"must not contain the invisible character U+{ord(found[0]):04X}"


def is_visible(name: str) -> bool:
    """Whether the name has a character that can be seen."""
    return any(part.isprintable() and not part.isspace() for part in name)
