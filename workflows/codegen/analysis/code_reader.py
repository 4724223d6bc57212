"""Reads all code of a workflow once: its mistakes, its imports and the names of `env` it uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.analysis.import_header import ImportHeader, Origin
from workflows.codegen.analysis.reference_checks import check_references
from workflows.codegen.syntax.bounded_parser import inspect
from workflows.codegen.syntax.code_facts import CodeFacts, read_code
from workflows.codegen.syntax.env_uses import UNREADABLE
from workflows.codegen.syntax.parser import Mistake, Syntax
from workflows.ir.document.model import Node
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.fields import Code, Field
from workflows.ir.reading.problems import Problem, Severity
from workflows.ir.tree.scope import ROOTS

ENTRY_PATH = "entryCode"
_INNER_STEPS: Final = (
    "calls steps inside a step: if the run is resumed, only the result of the outer step is restored, "
    "and if it is retried, inner steps that have finished keep their results: use nodes instead"
)
_EXPORTED: Final = "the code of a node cannot export anything: remove `export`"

CodeKey = tuple[str, str]
"""The id of a node and the path of a field in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUse:
    """A name of `env`, and where it is used; `kind` if it must be a binding of this kind."""

    name: str
    node_id: str
    path: str
    is_secret: bool = False
    kind: BindingKind | None = None


@dataclass(slots=True, kw_only=True)
class CodeReader:
    """Collects what the code contains; `codes` are by node id and path of the field."""

    dependencies: frozenset[str]
    import_header: ImportHeader = field(default_factory=ImportHeader)
    codes: dict[CodeKey, CodeFacts] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    uses: dict[NameUse, None] = field(default_factory=dict)
    _pieces: list[tuple[Syntax, str]] = field(default_factory=list)

    @property
    def syntaxes(self) -> dict[CodeKey, Syntax]:
        """The syntax trees of the nodes' code."""
        return {key: facts.syntax for key, facts in self.codes.items()}

    def read_nodes(self, nodes: Iterable[Node]) -> None:
        """Read the settings of all nodes."""
        nodes = list(nodes)
        names = {*ROOTS, *(node.id for node in nodes)}
        inspect(part for node in nodes for part in node.fields if isinstance(part, Code))
        for node in nodes:
            for part in node.fields:
                self._read_references(node, part)
                if isinstance(part, Code):
                    self._read_code(node, part)
                self._check_references(node, part, names)
            self._read_bindings(node)

    def read_entry(self, source: str) -> Syntax:
        """Read the entry code, without checking its exports."""
        code = Code(ENTRY_PATH, source, is_expression=False, references=())
        facts = read_code(code, allowed=self.dependencies)
        self._add(facts, node_id="", path=ENTRY_PATH)
        return facts.syntax

    @property
    def names(self) -> set[str]:
        """Every name that users' own code uses or declares."""
        return {name for syntax, _ in self._pieces for name in syntax.names}

    def _refuse(self, mistake: Mistake, *, node_id: str, path: str) -> None:
        """Add the mistake as an error."""
        self.problems.append(Problem(path=path, message=str(mistake), node_id=node_id))

    def _read_references(self, node: Node, part: Field) -> None:
        path = f"{node.path}.{part.path}"
        for reference in part.references:
            if reference.root == "env" and reference.path:
                self._use(str(reference.path[0]), node_id=node.id, path=path)
            elif reference.root == "env":
                self._warn(UNREADABLE, node_id=node.id, path=path)

    def _read_bindings(self, node: Node) -> None:
        for bound in node.type.bindings(node.settings) if node.type.bindings else ():
            path = f"{node.path}.{bound.path}"
            use = NameUse(name=bound.name, node_id=node.id, path=path, kind=bound.kind)
            self.uses[use] = None

    def _read_code(self, node: Node, code: Code) -> None:
        path = f"{node.path}.{code.path}"
        facts = read_code(code, allowed=self.dependencies)
        syntax = facts.syntax
        may_call_steps = node.type.callback and "step" in syntax.names
        inner_step = syntax.free.get("step") if may_call_steps else None
        exports = [syntax.mistake(each, _EXPORTED) for each in syntax.export_statements]
        inner_steps = [syntax.mistake(inner_step, _INNER_STEPS)] if inner_step else []
        self.codes[node.id, code.path] = facts
        self._add(facts, node_id=node.id, path=path)
        for mistake in exports:
            self._refuse(mistake, node_id=node.id, path=path)
        for mistake in inner_steps:
            self._warn(mistake, node_id=node.id, path=path)

    def _check_references(self, node: Node, part: Field, names: Collection[str]) -> None:
        facts = self.codes.get((node.id, part.path))
        misplaced = facts.syntax.misplaced_references if facts else ()
        for message, severity in check_references(part, names, misplaced):
            path = f"{node.path}.{part.path}"
            problem = Problem(path=path, message=message, node_id=node.id, severity=severity)
            self.problems.append(problem)

    def _add(self, facts: CodeFacts, *, node_id: str, path: str) -> None:
        """Add a piece of code: its mistakes, its imports, and the names of `env` it uses."""
        for mistake in facts.mistakes:
            self._refuse(mistake, node_id=node_id, path=path)
        for declaration, (line, column) in facts.imports:
            code_path = facts.syntax.code.path
            origin = Origin(node_id=node_id, path=code_path, line=line, column=column)
            for reason in self.import_header.add(declaration, origin):
                mistake = Mistake(line=line, column=column, message=reason)
                self._refuse(mistake, node_id=node_id, path=path)
        self._pieces.append((facts.syntax, path))
        for name in facts.env_names:
            self._use(name, node_id=node_id, path=path)
        for mistake in facts.unreadable:
            self._warn(mistake, node_id=node_id, path=path)

    def check_globals(self) -> None:
        """Reject imports that would change the meaning of a global in other code."""
        imported = dict(self.import_header.globals)
        users = self._users(imported.keys()) if imported else {}
        for name, origin in imported.items():
            if name in users:
                reason = (
                    f"`{name}` is imported here, but means the global in {users[name]}: import it under "
                    "another name"
                )
                path = f"nodes.{origin.node_id}.{origin.path}" if origin.node_id else origin.path
                mistake = Mistake(line=origin.line, column=origin.column, message=reason)
                self._refuse(mistake, node_id=origin.node_id, path=path)

    def _users(self, names: Set[str]) -> dict[str, str]:
        """Return the first field that uses each of the names without declaring it."""
        users: dict[str, str] = {}
        for syntax, path in self._pieces:
            for name in syntax.free.keys() & names:
                users.setdefault(name, path)
        return users

    def _use(self, name: str, *, node_id: str, path: str) -> None:
        self.uses[NameUse(name=name, node_id=node_id, path=path)] = None

    def _warn(self, mistake: Mistake | str, *, node_id: str, path: str) -> None:
        self.problems.append(
            Problem(path=path, message=str(mistake), node_id=node_id, severity=Severity.WARNING)
        )
