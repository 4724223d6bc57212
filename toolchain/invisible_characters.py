"""Characters that nobody sees in a name, but that change what is shown around it."""

from __future__ import annotations

import re
from typing import Final

_LINE_BREAKS: Final = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
# Control characters, line and paragraph separators, characters that change the direction of the text
# around them, and the byte order mark. Joiners stay allowed: Persian, Hindi and emoji need them.
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


def invisible_problem(text: str, refused: re.Pattern[str] = _INVISIBLE) -> str:
    """Return why text that may be empty cannot be shown as a name; "" if it can."""
    found = None if text.isprintable() else refused.search(text)
    if found is None:
        return ""
    if found[0] in _LINE_BREAKS:
        return "must be on one line"
    return f"must not contain the invisible character U+{ord(found[0]):04X}"
