"""References: `{{ node.path }}` in a setting stands for the value of another node."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflows.ir.reading.identifiers import is_identifier

# Names, indexes and paths have a maximum, so that a search in a long text ends soon.
_NAME = r"(?:[A-Za-z0-9_$-]|[^\x00-\x7f\s]){1,256}"
_INDEX = r"\[([0-9]{1,15})\]"
_PATH = rf"(?P<path>(?:\.{_NAME}|\[[0-9]{{1,15}}\]){{0,100}})"
_REFERENCE = re.compile(rf"\{{\{{\s*(?P<root>{_NAME}){_PATH}\s*\}}\}}")
_PART = re.compile(rf"\.({_NAME})|{_INDEX}")
_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)

LITERAL = "{{{{"
"""The notation for a literal `{{` in text and JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`{{ root.path[0].x }}`; `start` and `end` are character offsets in the text."""

    root: str
    path: tuple[str | int, ...]
    start: int
    end: int


def references_in(source: str, *, has_literals: bool = True) -> tuple[Reference, ...]:
    """Return all references in a text, in order; `has_literals` if LITERAL is literal braces."""
    if "{{" not in source:
        return ()
    matches = _REFERENCE.finditer(_without_literals(source) if has_literals else source)
    return tuple(_reference(match) for match in matches if _has_names(match))


def malformed_references_in(source: str) -> tuple[str, ...]:
    """Return everything in double braces that is not a reference.

    The search ends at the last closing braces, so that unclosed braces take linear time.
    """
    if "{{" not in source:
        return ()
    shown = _without_literals(source)
    candidates = _BRACES.findall(shown, 0, shown.rfind("}}") + 2)
    return tuple(text for text in candidates if not _is_reference(text))


def unescaped(source: str) -> str:
    """Return a text without references as intended: with `{{` for each `{{{{`."""
    return source.replace(LITERAL, "{{")


def _without_literals(source: str) -> str:
    """Replace the notation for literal braces without changing positions."""
    return source.replace(LITERAL, "\0" * len(LITERAL))


def _is_reference(text: str) -> bool:
    match = _REFERENCE.fullmatch(text)
    return match is not None and _has_names(match)


def _has_names(match: re.Match[str]) -> bool:
    """Whether every character can be part of a name, in any alphabet."""
    if match[0].isascii():
        return True
    names = [match["root"], *(name for name, _ in _PART.findall(match["path"]))]
    return all(is_identifier(f"_{name.replace('-', '_')}") for name in names)


def _reference(match: re.Match[str]) -> Reference:
    parts = tuple(name if name else int(index) for name, index in _PART.findall(match["path"]))
    return Reference(root=match["root"], path=parts, start=match.start(), end=match.end())
