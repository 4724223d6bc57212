"""JavaScript's `${...}` in text and JSON settings, where only `{{ ... }}` is a reference."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$\{\s*([^{}\n]{1,500}?)\s*\}")
_ROOT: Final = re.compile(r"[\w$-]+")
_PATH: Final = re.compile(r"[\w$-]+(?:\??\.[\w$-]+|(?:\?\.)?\[[0-9]+\])*")


def placeholders_in(text: str, names: Collection[str]) -> Iterator[str]:
    """Yield each `${...}` that starts with one of these names."""
    for match in _PLACEHOLDER.finditer(text) if "${" in text else ():
        root = _ROOT.match(match[1])
        if root and root[0] in names:
            yield match[0]


def as_reference(placeholder: str) -> str:
    """Return the reference that means the same, or "" if it is more than a path."""
    match = _PLACEHOLDER.fullmatch(placeholder)
    if match is None or not _PATH.fullmatch(match[1]):
        return ""
    path = match[1].replace("?.[", "[").replace("?.", ".")
    return f"{{{{ {path} }}}}"
