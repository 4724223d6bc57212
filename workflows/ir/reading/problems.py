"""What is wrong with a document, in words for the person who can fix it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to fix.

    `path` is where it stands (`nodes.charge.data.url`: a node by its id where it has one, else by
    its index), `message` a sentence that says what to do, `node_id` is "" when no node is at fault.
    """

    path: str
    message: str
    node_id: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = " ".join(self.path.split()) or "document"
        node = "" if self.node_id in where else f" (node {quoted(self.node_id)})"
        return f"{where}: {' '.join(self.message.split())}{node}"

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class InvalidIR(Exception):
    """The document cannot be used; `problems` holds every reason, warnings left out."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        errors = (problem for problem in problems if problem.is_error)
        self.problems = tuple(dict.fromkeys(errors))
        super().__init__("\n".join(map(str, self.problems)))


def quoted(text: object, *, limit: int = 80) -> str:
    """Show a value of the document inside a sentence: in quotes, on one line, not endless."""
    written = escape_surrogates(json.dumps(text, ensure_ascii=False, default=str))
    return written if len(written) <= limit else f"{written[:limit]}…"


def escape_surrogates(text: str) -> str:
    """Return text that can be stored and sent: halves of characters as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def listed(items: Iterable[object], *, limit: int = 10) -> str:
    """Join values for a sentence: "a", "b" and 3 more."""
    written = [quoted(item) for item in items]
    rest = len(written) - limit
    head = ", ".join(written[:limit])
    return f"{head} and {rest} more" if rest > 0 else head
