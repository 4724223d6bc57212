"""Reads all code of a workflow once: its mistakes, its imports and the names of `env` it uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.analysis.import_header import ImportHeader
from workflows.codegen.syntax import imports
from workflows.codegen.syntax.bounded_parser import inspect, syntax_of
from workflows.codegen.syntax.env_uses import UNREADABLE, EnvNames, env_names
from workflows.codegen.syntax.parser import Mistake, Syntax
from workflows.codegen.text.cursor import Cursor
from workflows.ir.document.model import Node
from workflows.ir.reading.fields import Code, Field, Json, Text, strings_in
from workflows.ir.reading.placeholders import as_reference, placeholders_in
from workflows.ir.reading.problems import Problem, Severity
from workflows.ir.tree.scope import ROOTS

ENTRY_PATH = "entryCode"
_INNER_STEPS: Final = (
    "calls steps inside a step: if the run is resumed, only the result of the outer step is restored, "
    "and if it is retried, inner steps that have finished keep their results: use nodes instead"
)
_MISPLACED: Final = "cannot be used here, because it is an expression"
_QUOTED: Final = "is only text here, not a reference: in a string, use ${...} between backticks"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUse:
    """A name of `env`, and where it is used."""

    name: str
    node_id: str
    path: str
    is_secret: bool = False


@dataclass(slots=True, kw_only=True)
class CodeReader:
    """Collects what the code contains; `syntaxes` are by node id and path of the field."""

    dependencies: frozenset[str]
    import_header: ImportHeader = field(default_factory=ImportHeader)
    syntaxes: dict[tuple[str, str], Syntax] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    uses: dict[NameUse, None] = field(default_factory=dict)
    _entry: Syntax | None = None
    _pieces: list[tuple[Syntax, str]] = field(default_factory=list)

    def read_nodes(self, nodes: Iterable[Node]) -> None:
        """Read the settings of all nodes."""
        nodes = list(nodes)
        inspect(part for node in nodes for part in node.fields if isinstance(part, Code))
        names = {*ROOTS, *(node.id for node in nodes)}
        for node in nodes:
            for part in node.fields:
                self._read_references(node, part)
                if not isinstance(part, Code):
                    self._warn_about_placeholders(node, part, names)
                else:
                    self._read_code(node, part)
                    self._warn_about_inner_steps(node, self.syntaxes[node.id, part.path])
                    self._check_references(node, self.syntaxes[node.id, part.path])
                    self._warn_about_quoted(node, part, names)

    def read_entry(self, source: str) -> Syntax:
        """Read the entry code, without checking its exports."""
        syntax = syntax_of(Code(ENTRY_PATH, source, is_expression=False, references=()))
        self._read_syntax(syntax, node_id="", path=ENTRY_PATH)
        self._entry = syntax
        return syntax

    def names(self) -> Iterator[str]:
        """Yield every name that users' own code uses or declares."""
        for syntax in (*self.syntaxes.values(), *filter(None, [self._entry])):
            yield from syntax.names

    def refuse(self, mistake: Mistake, *, node_id: str, path: str) -> None:
        """Add the mistake as an error."""
        self.problems.append(Problem(path=path, message=str(mistake), node_id=node_id))

    def _read_references(self, node: Node, part: Field) -> None:
        path = f"{node.path}.{part.path}"
        for reference in part.references:
            if reference.root == "env" and reference.path:
                self._use(str(reference.path[0]), node_id=node.id, path=path)
            elif reference.root == "env":
                self._warn(UNREADABLE, node_id=node.id, path=path)

    def _read_code(self, node: Node, code: Code) -> None:
        path = f"{node.path}.{code.path}"
        syntax = syntax_of(code)
        self.syntaxes[node.id, code.path] = syntax
        self._read_syntax(syntax, node_id=node.id, path=path)
        for exported in syntax.captured("export_statement"):
            mistake = syntax.mistake(
                exported, "the code of a node cannot export anything: remove `export`"
            )
            self.refuse(mistake, node_id=node.id, path=path)

    def _warn_about_inner_steps(self, node: Node, syntax: Syntax) -> None:
        """Warn about code of a step that calls steps itself."""
        if node.type.callback and syntax.free_names({"step"}):
            mistake = syntax.mistake(syntax.first("step"), _INNER_STEPS)
            self._warn(mistake, node_id=node.id, path=f"{node.path}.{syntax.code.path}")

    def _warn_about_placeholders(
        self, node: Node, field: Text | Json, names: Collection[str]
    ) -> None:
        """Warn about `${...}` in text and JSON, which is sent as it is."""
        texts = [field.source] if isinstance(field, Text) else strings_in(field.value)
        for text in texts:
            for written in placeholders_in(text, names):
                instead = as_reference(written) or "a reference to the output of a step"
                message = f"{written} is only text here: write {instead}"
                self._warn(message, node_id=node.id, path=f"{node.path}.{field.path}")

    def _check_references(self, node: Node, syntax: Syntax) -> None:
        """Refuse references where no expression is allowed, such as after a dot."""
        code, cursor = syntax.code, Cursor(syntax.code.source)
        for reference in (
            () if syntax.refused or syntax.tree.root_node.has_error else code.references
        ):
            line, column = cursor.at(reference.start)
            if not syntax.is_code(reference):
                written = code.source[reference.start : reference.end]
                mistake = Mistake(line=line, column=column, message=f"{written} {_MISPLACED}")
                self.refuse(mistake, node_id=node.id, path=f"{node.path}.{code.path}")

    def _warn_about_quoted(self, node: Node, code: Code, names: Collection[str]) -> None:
        """Warn about text that would be a reference in code, unless it means something else anyway."""
        cursor = Cursor(code.source)
        for reference in code.quoted:
            line, column = cursor.at(reference.start)
            if reference.root in names:
                written = code.source[reference.start : reference.end]
                mistake = Mistake(line=line, column=column, message=f"{written} {_QUOTED}")
                self._warn(mistake, node_id=node.id, path=f"{node.path}.{code.path}")

    def _read_syntax(self, syntax: Syntax, *, node_id: str, path: str) -> None:
        for mistake in (*syntax.mistakes(), *imports.mistakes(syntax, self.dependencies)):
            self.refuse(mistake, node_id=node_id, path=path)
        for declaration in imports.declarations(syntax):
            for reason in self.import_header.add(
                declaration, node_id=node_id, path=syntax.code.path
            ):
                mistake = Mistake(line=declaration.line, column=declaration.column, message=reason)
                self.refuse(mistake, node_id=node_id, path=path)
        self._pieces.append((syntax, path))
        self.add_env(env_names(syntax), node_id=node_id, path=path)

    def check_globals(self) -> None:
        """Reject imports that would change the meaning of a global in other code."""
        imported = dict(self.import_header.globals)
        users = self._users(imported) if imported else {}
        for name, origin in imported.items():
            if name in users:
                reason = (
                    f"`{name}` is imported here, but means the global in {users[name]}: import it under "
                    "another name"
                )
                path = f"nodes.{origin.node_id}.{origin.path}" if origin.node_id else origin.path
                mistake = Mistake(line=origin.line, column=origin.column, message=reason)
                self.refuse(mistake, node_id=origin.node_id, path=path)

    def _users(self, names: Collection[str]) -> dict[str, str]:
        """Return the first field that uses each of the names without declaring it."""
        users: dict[str, str] = {}
        for syntax, path in self._pieces:
            for name in syntax.free_names(names):
                users.setdefault(name, path)
        return users

    def add_env(self, env_names: EnvNames, *, node_id: str, path: str) -> None:
        """Add names of `env`, and a warning for each unclear use."""
        for name in env_names.names:
            self._use(name, node_id=node_id, path=path)
        for mistake in env_names.unreadable:
            self._warn(mistake, node_id=node_id, path=path)

    def use_secret(self, name: str, *, node_id: str, path: str) -> None:
        """Add a name that refers to a secret, whatever the name suggests."""
        self.uses[NameUse(name=name, node_id=node_id, path=path, is_secret=True)] = None

    def _use(self, name: str, *, node_id: str, path: str) -> None:
        self.uses[NameUse(name=name, node_id=node_id, path=path)] = None

    def _warn(self, mistake: Mistake | str, *, node_id: str, path: str) -> None:
        self.problems.append(
            Problem(path=path, message=str(mistake), node_id=node_id, severity=Severity.WARNING)
        )
