"""What a node is about, in a few words: its condition, duration, URL or code."""

from __future__ import annotations

import re
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.reading.durations import words
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.problems import escape_surrogates

MAX_LENGTH: Final = 60
_MAX_LINES: Final = 200
_SAYS_NOTHING: Final = re.compile(
    r"""\s*(//.*|/\*.*|\*.*|import\b.*|["']use strict["'];?|[{}()\[\];,\s]*)"""
)


def label_of(node: Node) -> str:
    """Return what the node is about, in one line of at most MAX_LENGTH characters; "" if unknown."""
    about = node.type.about(node.settings) if node.type.about else ""
    line = escape_surrogates(" ".join(about[: 10 * MAX_LENGTH].split()))
    printable = "".join(character for character in line if character.isprintable())
    return printable if len(printable) <= MAX_LENGTH else f"{printable[: MAX_LENGTH - 1]}…"


def first_line(code: str) -> str:
    """Return the first line of code that is not a comment, import or bracket; "" if there is none."""
    lines = code[: 80 * _MAX_LINES].splitlines()[:_MAX_LINES]
    return next((line.strip() for line in lines if not _SAYS_NOTHING.fullmatch(line)), "")


def duration_text(duration: Duration) -> str:
    """Return a duration in words, or as it is written if it depends on references."""
    value = duration.value
    return words(value) if isinstance(value, int) else value.source
