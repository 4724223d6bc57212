"""Writes the settings of nodes: code byte for byte, text and JSON as expressions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from workflows.codegen.steps.computed_settings import DURATION, IN_TEXT, SHOWN, TEXT, setting_of
from workflows.codegen.steps.plan import Plan
from workflows.codegen.steps.values import access, code_pieces, json_pieces, text_pieces
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.literals import comment, literal
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.reading.fields import Code, Duration, Field, Json, Text, milliseconds_of
from workflows.ir.reading.references import Reference

_NO_ALIASES: Final[Mapping[str, str]] = {}
NO_VALUE: Final = "(undefined as any)"  # without the cast, TypeScript rejects it as a condition
ROOT_EXPRESSIONS: Final = {"trigger": "event.payload", "event": "event", "env": "env"}


class SettingsWriter:
    """Writes lines of the current node, and its settings within them."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        self.helpers: list[str] = []
        self._plan = plan
        self._writer = writer
        self.line = writer.line
        self._scopes = plan.scopes
        self._aliases: dict[tuple[str, str, str], str] = {}

    def indented(self) -> AbstractContextManager[None]:
        """Indent the lines written inside by one level."""
        return self._writer.indented()

    def code(self, code: Code) -> None:
        """Write the body of a function byte for byte, never indented."""
        self._writer.verbatim(*self._pieces(code, self.aliases(code)))

    def add_helper(self, helper: str) -> None:
        """Include the helper's source in the module, once."""
        if helper not in self.helpers:
            self.helpers.append(helper)

    def comment(self, text: str) -> str:
        """Return a comment for the end of a line that quotes the text."""
        return f" {comment(text)}"

    def value(self, field: Field) -> list[Piece]:
        """Return the expression of a setting."""
        if isinstance(field, Code):
            return self._expression(field)
        embed = partial(self._embedded, field)
        if isinstance(field, Json):
            return json_pieces(field, self._resolve, embed)
        return text_pieces(field, self._resolve, embed)

    def text(self, field: Text) -> list[Piece]:
        """Return the expression of a setting that is always text."""
        return text_pieces(field, self._resolve, partial(self._embedded, field), is_text=True)

    def _embedded(self, field: Field, value: Piece, reference: Reference) -> list[Piece]:
        """Return a value as a part of text; a missing value is an error that names the reference."""
        self.add_helper(TEXT)
        self.add_helper(IN_TEXT)
        name = reference.root + access(reference.path)
        return ["inText(", value, f", {self.setting(field)}, {literal(name)})"]

    def _expression(self, code: Code) -> list[Piece]:
        if self._plan.slots:
            return ["(\n", *self._pieces(code, {}), "\n)"]
        syntax, aliases = self._syntax(code), self.aliases(code)
        pieces = self._pieces(code, aliases)
        if aliases:
            return _with_aliases(pieces, aliases, is_async=b"await" in syntax.data)
        if syntax.needs_lines:
            return ["(\n", *pieces, "\n)"]
        expression = syntax.expression
        is_sequence = expression is not None and expression.type == "sequence_expression"
        return ["(", *pieces, ")"] if is_sequence else pieces

    def duration(self, duration: Duration, *, least: int = 0) -> list[Piece]:
        """Return milliseconds or words; computed ones are checked in the run, against `least` too."""
        if isinstance(duration.value, int):
            return [str(duration.value)]
        pieces = self.value(duration.value)
        if not duration.value.references:
            return pieces
        self.add_helper(SHOWN)
        self.add_helper(DURATION)
        return ["asMilliseconds(", *pieces, f", {self.setting(duration.value)}, {least})"]

    def milliseconds(self, duration: Duration, *, least: int = 0) -> list[Piece]:
        """Return milliseconds, even for a duration in words."""
        length = milliseconds_of(duration)
        return self.duration(duration, least=least) if length is None else [str(length)]

    def setting(self, field: Field) -> str:
        """Return the literal that names a field of the current node in the errors of a run."""
        name = self._plan.ir.nodes[self._writer.node_id].name
        return literal(setting_of(name, field.path))

    def aliases(self, code: Code) -> dict[str, str]:
        """Return other names for what the code refers to, if it declares their names for itself.

        In `const room = {{ room }}.id` the reference means the output, not the constant.
        """
        if self._plan.slots:
            return {}
        syntax = self._syntax(code)
        for name in self._referenced(code) & syntax.declared if code.references else ():
            key = self._writer.node_id, code.path, name
            if key not in self._aliases:
                self._aliases[key] = self._free_name(name, syntax)
        place = self._writer.node_id, code.path
        return {key[2]: alias for key, alias in self._aliases.items() if key[:2] == place}

    def _free_name(self, name: str, syntax: Syntax) -> str:
        """Return a new name that the code does not use either."""
        unique = self._plan.names.unique(name)
        return unique if unique not in syntax.names else self._free_name(name, syntax)

    def _referenced(self, code: Code) -> set[str]:
        """Return the variables that the references in the code stand for."""
        return {
            self._root(reference, code.parameters).partition(".")[0]
            for reference in code.references
        }

    def _pieces(self, code: Code, aliases: Mapping[str, str]) -> list[Piece]:
        if self._plan.slots:
            return [self._plan.slots.token(self._writer.node_id, code.path)]
        resolve = partial(self._resolve, aliases=aliases, own=code.parameters)
        return code_pieces(self._syntax(code), resolve)

    def _resolve(
        self,
        reference: Reference,
        aliases: Mapping[str, str] = _NO_ALIASES,
        own: tuple[str, ...] = (),
    ) -> str:
        name, dot, rest = self._root(reference, own).partition(".")
        return f"{aliases.get(name, name)}{dot}{rest}{access(reference.path)}"

    def _root(self, reference: Reference, own: tuple[str, ...]) -> str:
        """Return the expression that the first name of a reference stands for.

        `own` are the names that only the field with the reference can use.
        """
        if reference.root in own:
            return reference.root
        node = self._plan.ir.nodes[self._writer.node_id]
        return root_expression(reference.root, self._plan, self._scopes.names_for(node))

    def _syntax(self, code: Code) -> Syntax:
        return self._plan.codes[self._writer.node_id, code.path].syntax


def root_expression(root: str, plan: Plan, names: Collection[str]) -> str:
    """Return the expression for the first name of a reference where a region provides these `names`."""
    nodes = plan.ir.nodes
    if root in names:
        return root
    if root not in nodes:
        return ROOT_EXPRESSIONS.get(root, NO_VALUE)
    return NO_VALUE if nodes[root].type.output is None else plan.variables[root]


def _with_aliases(
    pieces: list[Piece], aliases: Mapping[str, str], *, is_async: bool
) -> list[Piece]:
    """Return an expression in a function whose parameters are the aliases."""
    start = "await (async " if is_async else "("
    names, values = ", ".join(aliases.values()), ", ".join(aliases)
    return [f"{start}(", names, ") => (\n", *pieces, f"\n))({values})"]
