"""The problems of one field: those that a deploy would find, with the same severity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.codegen.analysis.code_reader import ENTRY_PATH, CodeReader
from workflows.codegen.analysis.name_hints import hint
from workflows.codegen.analysis.reads import uses_before_definition
from workflows.codegen.module.custom_entry import read_entry
from workflows.codegen.module.editing import EditingModule
from workflows.codegen.syntax.certain_mistakes import CertainMistakes
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.slots import SlotKey
from workflows.codegen.text.writer import Location
from workflows.compilation.language_server.allowed_answers import without_paths
from workflows.compilation.language_server.module_document import ModuleDocument
from workflows.compilation.language_server.positions import Lines
from workflows.compilation.lenient import Verdict, judge
from workflows.compilation.typescript import Diagnostic
from workflows.ir.document.model import Node
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import Problem
from workflows.ir.tree.scope import Scopes

_HINT: Final = 3  # severities from this one on are not complaints of the compiler
_MAX_PROBLEMS: Final = 100
_TOO_SLOW: Final = "takes too long to check while you type: split it into shorter and simpler parts"
_AT: Final = re.compile(r"line (\d+), column (\d+): (.*)", re.DOTALL)
_LINE_END: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")  # as the compiler counts lines


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """A problem in the text of a field, between two offsets."""

    start: int
    end: int
    message: str
    is_error: bool
    code: str = ""

    def as_diagnostic(self, lines: Lines, key: SlotKey) -> dict[str, Any]:
        """Return the protocol's diagnostic; its data names the node and the line, from 1."""
        range_ = lines.range(*self._visible(lines.text))
        data = {"node": key[0], "field": key[1], "line": range_["start"]["line"] + 1}
        return {
            "range": range_,
            "severity": 1 if self.is_error else 2,
            "message": f"{self.message} ({self.code})" if self.code else self.message,
            "source": "AwaitStep",
            "data": data,
        }

    def _visible(self, text: str) -> tuple[int, int]:
        """Return the offsets, with at least one character between them if possible."""
        if self.end > self.start:
            return self.start, self.end
        if self.start < len(text) and text[self.start] not in "\r\n":
            return self.start, self.start + 1
        return max(0, self.start - 1), self.start


class Complaints:
    """The compiler's complaints about the module, each with its field and the position in it."""

    def __init__(self, document: ModuleDocument, found: Iterable[Mapping[str, Any]]) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.syntaxes = {key: code.syntax for key, code in document.codes.items()}
        self._places: dict[tuple[int, int], tuple[SlotKey, int, int]] = {}
        for item in found:
            if item.get("severity", 1) < _HINT:
                self._add(item, document)

    def _add(self, item: Mapping[str, Any], document: ModuleDocument) -> None:
        start, end = (document.lines.offset(item["range"][part]) for part in ("start", "end"))
        spot, last = document.spot(start), document.spot(end)
        if spot is None:
            return
        position = item["range"]["start"]
        line, column = position["line"] + 1, position["character"] + 1
        is_inside = last is not None and last.key == spot.key
        self._places[line, column] = (
            spot.key,
            spot.offset,
            last.offset if is_inside and last else spot.offset,
        )
        self.diagnostics.append(
            Diagnostic(
                line=line,
                column=column,
                code=f"TS{item.get('code', '')}",
                message=without_paths(" ".join(str(item.get("message", "")).split())),
            )
        )

    def locate(self, line: int, column: int) -> Location | None:
        """Return the field of a complaint, and the position in it."""
        place = self._places.get((line, column))
        if place is None:
            return None
        (node_id, path), offset, _ = place
        ends = list(_LINE_END.finditer(self.syntaxes[node_id, path].code.source, 0, offset))
        return Location(
            node_id=node_id,
            path=f"nodes.{node_id}.{path}" if node_id else path,
            line=len(ends) + 1,
            column=offset - (ends[-1].end() if ends else 0) + 1,
        )

    def judge(self) -> Verdict:
        """Return which complaints a deploy would report as mistakes."""
        return judge(self.diagnostics, self)

    def in_field(
        self, key: SlotKey, found: Iterable[Diagnostic], *, is_error: bool
    ) -> Iterator[FieldProblem]:
        """Yield those complaints that are in a field."""
        for each in found:
            place = self._places.get((each.line, each.column))
            if place and place[0] == key:
                yield FieldProblem(
                    start=place[1],
                    end=place[2],
                    message=each.message,
                    is_error=is_error,
                    code=each.code,
                )


def problems_of(
    document: ModuleDocument, key: SlotKey, complaints: Complaints, verdict: Verdict
) -> list[FieldProblem]:
    """Return all problems of a field in the order of its text; for broken code, only syntax errors."""
    code = document.codes.get(key)
    if code is None:
        return []
    own = list(code_problems(document.module, key, code.syntax))
    if code.is_broken:
        about_syntax = [
            each for each in complaints.diagnostics if CertainMistakes.is_about_syntax(each.code)
        ]
        found = list(complaints.in_field(key, about_syntax, is_error=True))
        own = found or [problem for problem in own if problem.is_error]
    else:
        errors = [_explained(error, document.module) for error in verdict.errors]
        own += complaints.in_field(key, errors, is_error=True)
        own += complaints.in_field(key, verdict.warnings, is_error=False)
    if document.is_slow(key, code.source):
        own.append(FieldProblem(start=0, end=0, message=_TOO_SLOW, is_error=False))
    return sorted(dict.fromkeys(own), key=lambda problem: problem.start)[:_MAX_PROBLEMS]


def _explained(error: Diagnostic, module: EditingModule) -> Diagnostic:
    found = hint(error.message, module.nodes.values(), module.variables)
    return replace(error, message=f"{error.message} The {found}.") if found else error


def code_problems(module: EditingModule, key: SlotKey, syntax: Syntax) -> Iterator[FieldProblem]:
    """Yield what the code generator finds in a field: syntax, imports, references, early uses."""
    node = module.nodes.get(key[0])
    if node is None and key[0]:
        return
    found = _in_node(module, node, syntax) if node else _in_entry(module, syntax)
    for problem in found:
        yield _placed(problem, syntax.code)
    if node and module.ir:
        yield from _reference_problems(module, node, syntax.code)


def _in_node(module: EditingModule, node: Node, syntax: Syntax) -> Iterator[Problem]:
    reader = CodeReader(dependencies=frozenset(module.dependencies))
    reader.read_nodes([replace(node, fields=(syntax.code,))])
    yield from reader.problems
    if module.ir:
        key, scopes = (node.id, syntax.code.path), Scopes(module.ir.nodes, module.ir.structure)
        yield from uses_before_definition(module.ir, scopes, module.variables, {key: syntax})
    if module.missing_outputs:
        yield from module.missing_outputs.in_code(node, syntax)


def _in_entry(module: EditingModule, syntax: Syntax) -> list[Problem]:
    reader = CodeReader(dependencies=frozenset(module.dependencies))
    if syntax.code.path == ENTRY_PATH and syntax.code.source.strip():
        read_entry(syntax.code.source, reader)
    return reader.problems


def _reference_problems(module: EditingModule, node: Node, code: Code) -> Iterator[FieldProblem]:
    if module.ir is None:
        return
    scopes = Scopes(module.ir.nodes, module.ir.structure)
    for reference in code.references:
        for problem in scopes.check_reference(node, reference, code):
            yield FieldProblem(
                start=reference.start,
                end=reference.end,
                message=problem.message,
                is_error=problem.is_error,
            )


def _placed(problem: Problem, code: Code) -> FieldProblem:
    """Convert a problem of the code generator, whose message starts with its position."""
    match = _AT.fullmatch(problem.message)
    line, column = (int(match[1]), int(match[2])) if match else (1, 1)
    lines = code.source.split("\n")
    start = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
    start = min(start, len(code.source))
    rest = re.match(r"[\w$]*", code.source[start:])
    return FieldProblem(
        start=start,
        end=start + len(rest[0] if rest else ""),
        message=match[3] if match else problem.message,
        is_error=problem.is_error,
    )
