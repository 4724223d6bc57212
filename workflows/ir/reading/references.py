"""`{{ ref }}`: how a setting names the value of another node."""

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
    """`{{ root.path[0].x }}` with its offsets (in characters) in the text it stands in."""

    root: str
    path: tuple[str | int, ...]
    start: int
    end: int


def references_in(source: str) -> tuple[Reference, ...]:
    if "{{" not in source:
        return ()
    return tuple(_reference(match) for match in _REFERENCE.finditer(source))


def malformed_references_in(source: str) -> tuple[str, ...]:
    """Return what stands in double braces without being a reference.

    Braces behind the last ones that close are not looked at: each would be searched to the end.
    """
    if "{{" not in source:
        return ()
    closed = _BRACES.findall(source, 0, source.rfind("}}") + 2)
    return tuple(found for found in closed if not _REFERENCE.fullmatch(found))


def _reference(match: re.Match[str]) -> Reference:
    parts = tuple(name if name else int(index) for name, index in _PART.findall(match["path"]))
    return Reference(root=match["root"], path=parts, start=match.start(), end=match.end())
