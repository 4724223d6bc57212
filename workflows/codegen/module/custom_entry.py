"""A user's own entry code: a TypeScript module that exports fetch, queue and/or scheduled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from workflows.codegen.analysis.code_reader import ENTRY_PATH, CodeReader, NameUse
from workflows.codegen.syntax.env_uses import parameter_names
from workflows.codegen.syntax.parser import Syntax, blanked
from workflows.codegen.syntax.tree_nodes import Found, children_of, text
from workflows.codegen.text.writer import Mapped, Writer
from workflows.ir.reading.problems import Problem, Severity, listed

HANDLERS: Final = ("fetch", "queue", "scheduled")
_TYPES: Final = frozenset({"type_alias_declaration", "interface_declaration"})


class CustomEntry:
    """The entry code; `handlers` maps exported names to the names inside.

    `uses` are the names of `env` in the parameters of its handlers.
    """

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.handlers: dict[str, str] = {}
        self.uses: dict[NameUse, None] = {}
        self._mistakes: list[Found] = []
        self._unreadable: list[Found] = []
        self._blanks: list[tuple[int, int]] = []
        for node in syntax.export_statements:
            self._export(node)
        for pattern in _env_parameters(syntax.tree.root_node, set(self.handlers.values())):
            env = parameter_names(pattern)
            self.uses |= {
                NameUse(name=name, node_id="", path=ENTRY_PATH): None for name in env.names
            }
            self._unreadable += env.unreadable

    @property
    def problems(self) -> Iterator[Problem]:
        """The problems with its exports and with the parameters of its handlers."""
        for mistake in self.syntax.located(self._mistakes):
            yield Problem(path=ENTRY_PATH, message=str(mistake))
        for mistake in self.syntax.located(self._unreadable):
            yield Problem(path=ENTRY_PATH, message=str(mistake), severity=Severity.WARNING)

    @property
    def without_handlers(self) -> Problem:
        """The problem if it exports nothing."""
        root, message = self.syntax.tree.root_node, f"export one of {listed(HANDLERS)}"
        return Problem(path=ENTRY_PATH, message=str(self.syntax.mistake(root, message)))

    def write(self, writer: Writer, more: str) -> None:
        """Write the module inside a function, so that its names never clash with ours.

        `more` is the code of handlers that the triggers need and the module lacks.
        """
        returned = ", ".join(
            name if name == inner else f"{name}: {inner}" for name, inner in self.handlers.items()
        )
        writer.line("const entry = (() => {")
        writer.verbatim(Mapped(_without_exports(self.syntax, self._blanks), ENTRY_PATH, 1, 1))
        writer.line(f"  return {{ {returned} }};")
        writer.line("})();")
        writer.line()
        writer.text_block(
            f"export default {{\n  ...entry,\n{more}}};\n" if more else "export default entry;\n"
        )

    def _export(self, node: Node) -> None:
        declaration = node.child_by_field_name("declaration")
        is_default = any(part.type == "default" for part in node.children)
        clause = next((part for part in node.named_children if part.type == "export_clause"), None)
        if declaration and not is_default:
            self._blanks.append((node.start_byte, node.start_byte + len(b"export")))
            if declaration.type not in _TYPES:
                for name in _declared(declaration):
                    self._handler(node, name, name)
        elif clause and not node.child_by_field_name("source"):
            self._blanks.append((node.start_byte, node.end_byte))
            for specifier in clause.named_children:
                inner = specifier.child_by_field_name("name")
                alias = specifier.child_by_field_name("alias")
                if inner:
                    self._handler(node, text(alias or inner), text(inner))
        else:
            self._refuse(node, f"export only {listed(HANDLERS)}, by name")

    def _handler(self, node: Node, name: str, inner: str) -> None:
        if name not in HANDLERS:
            self._refuse(
                node, f"{name} is not a handler of a Worker: export only {listed(HANDLERS)}"
            )
        self.handlers[name] = inner

    def _refuse(self, node: Node, message: str) -> None:
        self._mistakes.append((node, message))


def read_entry(source: str, reader: CodeReader) -> CustomEntry:
    """Read the entry code, and add what it contains to the reader."""
    syntax = reader.read_entry(source)
    entry = CustomEntry(syntax)
    reader.problems += entry.problems
    reader.uses |= entry.uses
    if not entry.handlers and not any(problem.is_error for problem in reader.problems):
        reader.problems.append(entry.without_handlers)
    return entry


def _declared(declaration: Node) -> Iterator[str]:
    name = declaration.child_by_field_name("name")
    if name:
        yield text(name)
    for part in declaration.named_children:
        if part.type == "variable_declarator":
            inner = part.child_by_field_name("name")
            yield text(inner) if inner else ""


def _env_parameters(program: Node, handlers: set[str]) -> Iterator[Node]:
    """Yield the second parameter of each handler, which is its environment."""
    for statement in program.named_children:
        inner = statement.child_by_field_name("declaration") or statement
        for node in (inner, *inner.named_children):
            name = node.child_by_field_name("name")
            function = node.child_by_field_name("value") or node
            parameters = function.child_by_field_name("parameters")
            if name and text(name) in handlers and parameters:
                patterns = children_of(parameters)
                second = patterns[1].child_by_field_name("pattern") if patterns[1:] else None
                if second:
                    yield second


def _without_exports(syntax: Syntax, blanks: list[tuple[int, int]]) -> str:
    """Return the code with imports and `export` blanked out."""
    imports = [(node.start_byte, node.end_byte) for node in syntax.top_imports]
    data = bytearray(syntax.data)
    for start, end in (*imports, *blanks):
        data[start:end] = blanked(bytes(data[start:end]))
    return data.decode()
