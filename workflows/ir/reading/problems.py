"""Problems in a document, described for the person who can fix them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_POSITION: Final = re.compile(r"line (\d{1,9}), column (\d{1,9}): ")


class Severity(StrEnum):
    """Whether a problem makes the document unusable."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to fix.

    `path` locates it (`nodes.charge.data.url`; a node by its id, or by its index if it has none).
    `message` says what is wrong and what to do. `node_id` is "" if no node is affected. `line` and
    `column` are the position in the field's text as the compiler counts them, from 1, or 0.
    """

    path: str
    message: str
    node_id: str = ""
    severity: Severity = Severity.ERROR
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = " ".join(self.path.split()) or "document"
        node = "" if self.node_id in where else f" (node {quoted(self.node_id)})"
        return f"{where}: {' '.join(self.message.split())}{node}"

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def position(self) -> tuple[int, int]:
        """The line and the column in the field's text, from 1; (0, 0) if they are not known."""
        if self.line:
            return self.line, self.column
        named = _POSITION.match(self.message)
        return (int(named[1]), int(named[2])) if named else (0, 0)


class InvalidIR(Exception):
    """The document cannot be used; `problems` holds all errors, without warnings."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        errors = (problem for problem in problems if problem.is_error)
        self.problems = tuple(dict.fromkeys(errors))
        super().__init__("\n".join(map(str, self.problems)))


def quoted(value: object, *, limit: int = 80) -> str:
    """Return a value as JSON for use in a sentence, cut to `limit` characters."""
    text = escape_surrogates(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= limit else f"{text[:limit]}…"


def escape_surrogates(text: str) -> str:
    """Return the text with lone surrogates escaped, so that it can be stored and sent."""
    return text.encode("utf-8", "backslashreplace").decode()


def listed(items: Iterable[object], *, limit: int = 10) -> str:
    """Join values for use in a sentence: "a", "b" and 3 more."""
    all_items = list(items)
    rest = len(all_items) - limit
    head = ", ".join(quoted(item) for item in all_items[:limit])
    return f"{head} and {rest} more" if rest > 0 else head
