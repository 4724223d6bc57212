"""A document as text that people edit: its layout, and its problems by line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workflows.ir.reading.json_lines import JsonLines
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.ir.validation.validate import MAX_TEXT, compact, read_json
from workflows.node_types.registered import all_types
from workflows.nodes.documents import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedProblem:
    """A problem and its line in the text; 0 if its message gives the position."""

    problem: Problem
    line: int = 0


class Unreadable(Exception):
    """The text is not a document whose nodes form a workflow; `problems` has all reasons."""

    def __init__(self, problems: Iterable[LocatedProblem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(each.problem) for each in self.problems))


def document_text(document: Any) -> str:
    """Return the document as indented JSON, unless that would be too large."""
    indented = json.dumps(document, indent=2, ensure_ascii=False)
    return indented if len(indented.encode("utf-8", "replace")) <= MAX_TEXT else compact(document)


def read_document_text(text: str) -> Any:
    """Return the document; raises Unreadable. Its settings and its code may have problems."""
    try:
        document = read_json(text)
    except InvalidIR as invalid:
        raise Unreadable(LocatedProblem(problem=each) for each in invalid.problems) from None
    parsed = parse(document, all_types())
    if parsed.draft is None:
        raise Unreadable(located(text, parsed.problems))
    return document


def located(text: str, problems: Iterable[Problem]) -> list[LocatedProblem]:
    """Return the problems in the document with this text, each with its line."""
    lines = JsonLines(text)
    return [LocatedProblem(problem=each, line=lines.line_of(each.path)) for each in problems]
