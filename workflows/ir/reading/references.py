"""References: `{{ node.path }}` in a setting stands for the value of another node."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"\{\{\s*(?P<root>[A-Za-z0-9_-]+)(?P<path>(?:\.[A-Za-z0-9_$-]+|\[\d+\])*)\s*\}\}"
)
_PART = re.compile(r"\.([A-Za-z0-9_$-]+)|\[(\d+)\]")
_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`{{ root.path[0].x }}`; `start` and `end` are character offsets in the text."""

    root: str
    path: tuple[str | int, ...]
    start: int
    end: int


def references_in(source: str) -> tuple[Reference, ...]:
    """Return all references in a text, in order."""
    if "{{" not in source:
        return ()
    return tuple(_reference(match) for match in _REFERENCE.finditer(source))


def malformed_references_in(source: str) -> tuple[str, ...]:
    """Return everything in double braces that is not a reference.

    The search ends at the last closing braces, so that unclosed braces take linear time.
    """
    if "{{" not in source:
        return ()
    candidates = _BRACES.findall(source, 0, source.rfind("}}") + 2)
    return tuple(text for text in candidates if not _REFERENCE.fullmatch(text))


def _reference(match: re.Match[str]) -> Reference:
    parts = tuple(name if name else int(index) for name, index in _PART.findall(match["path"]))
    return Reference(root=match["root"], path=parts, start=match.start(), end=match.end())
