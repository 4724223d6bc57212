"""Inputs that made a parser or a regular expression take minutes."""

from __future__ import annotations

from typing import Final


def monsters(size: int) -> dict[str, str]:
    """Return a dozen inputs of about this many characters, by their content."""
    parts = {
        "operators": "!",
        "lists": "[",
        "generics": "f<T,",
        "objects": '{"a":',
        "templates": "`${",
        "quotes": '"',
        "patterns": "/[",
        "conditions": "if(a)",
        "arrows": "a=>",
        "digits": "7",
        "references": "{{ a ",
        "repetitions": "(a+",
        "letters": "x",
    }
    return {name: part * (size // len(part)) for name, part in parts.items()}


NAMES: Final = tuple(monsters(1))
