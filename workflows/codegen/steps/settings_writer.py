"""Writes the settings of nodes: code byte for byte, text and JSON as expressions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from workflows.codegen.analysis.children import Child
from workflows.codegen.analysis.inputs import Inputs
from workflows.codegen.analysis.last_values import LastValues
from workflows.codegen.analysis.step_names import StepNames
from workflows.codegen.analysis.usage import Usage
from workflows.codegen.steps.values import access, code_pieces, json_pieces, text_pieces
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.literals import comment
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import Call
from workflows.ir.reading.fields import Code, Duration, Field, Json
from workflows.ir.reading.identifiers import Names
from workflows.ir.reading.references import Reference
from workflows.ir.tree.scope import Scopes

_ROOTS = {"trigger": "event.payload", "event": "event", "env": "env"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before the first line is written.

    `variables` are by node id, `syntaxes` by node id and path of the field, `templates` the functions
    of custom types by name and version, `untyped` the nodes whose outputs are typed as any.
    """

    ir: WorkflowIR
    variables: Mapping[str, str]
    syntaxes: Mapping[tuple[str, str], Syntax]
    usage: Usage
    names: Names
    children: Mapping[Call, Child]
    last_values: LastValues
    step_names: StepNames
    inputs: Inputs
    templates: Mapping[tuple[str, str], str]
    untyped: frozenset[str]


class SettingsWriter:
    """Writes lines of the current node, and its settings within them."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        self.helpers: list[str] = []
        self._plan = plan
        self._writer = writer
        self.line = writer.line
        self._scopes = Scopes(plan.ir.nodes, plan.ir.structure)

    def indented(self) -> AbstractContextManager[None]:
        """Indent the lines written inside by one level."""
        return self._writer.indented()

    def code(self, code: Code) -> None:
        """Write the body of a function byte for byte, never indented."""
        self._writer.verbatim(*code_pieces(self._syntax(code), self._resolve))

    def add_helper(self, helper: str) -> None:
        """Include the helper's source in the module, once."""
        if helper not in self.helpers:
            self.helpers.append(helper)

    def comment(self, text: str) -> str:
        """Return a comment for the end of a line."""
        return f" {comment(text)}"

    def value(self, field: Field) -> list[Piece]:
        """Return the expression of a setting."""
        if isinstance(field, Code):
            return self._expression(field)
        if isinstance(field, Json):
            return json_pieces(field, self._resolve)
        return text_pieces(field, self._resolve)

    def _expression(self, code: Code) -> list[Piece]:
        syntax = self._syntax(code)
        pieces = code_pieces(syntax, self._resolve)
        if syntax.needs_lines:
            return ["(\n", *pieces, "\n)"]
        expression = syntax.expression
        is_sequence = expression is not None and expression.type == "sequence_expression"
        return ["(", *pieces, ")"] if is_sequence else pieces

    def duration(self, duration: Duration) -> list[Piece]:
        """Return milliseconds or words; computed words are cast, as no type fits them."""
        if isinstance(duration.value, int):
            return [str(duration.value)]
        pieces = self.value(duration.value)
        return [*pieces, " as any"] if duration.value.references else pieces

    def _resolve(self, reference: Reference) -> str:
        ir, root = self._plan.ir, reference.root
        if root in self._scopes.names_for(ir.nodes[self._writer.node_id]):
            return f"{root}{access(reference.path)}"
        if root not in ir.nodes:
            return f"{_ROOTS[root]}{access(reference.path)}"
        if ir.nodes[root].type.output is None:
            return "(undefined as any)"  # without the cast, the compiler rejects it as a condition
        return f"{self._plan.variables[root]}{access(reference.path)}"

    def _syntax(self, code: Code) -> Syntax:
        return self._plan.syntaxes[self._writer.node_id, code.path]
