"""Generates the Worker of a document: reads its code, checks it, plans the program and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from workflows.codegen.analysis.children import Child, children
from workflows.codegen.analysis.code_reader import ENTRY_PATH, CodeKey, CodeReader, NameUse
from workflows.codegen.analysis.last_values import last_values
from workflows.codegen.analysis.missing_outputs import MissingOutputs
from workflows.codegen.analysis.name_hints import hint, with_hints
from workflows.codegen.analysis.node_names import Naming, name_nodes
from workflows.codegen.analysis.reads import Reads, read_outputs
from workflows.codegen.analysis.sensitive_nodes import sensitive_nodes, shown_at_the_end
from workflows.codegen.analysis.step_names import step_names
from workflows.codegen.analysis.usage import usage
from workflows.codegen.module.custom_entry import CustomEntry, read_entry
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.module.program import write_program
from workflows.codegen.module.script import workflow_only_uses
from workflows.codegen.module.templates import Templates
from workflows.codegen.module.worker_env import EnvUse, all_names, env_uses, kind_conflicts
from workflows.codegen.steps.plan import Plan
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.writer import Location, Writer
from workflows.ir.document.kinds import SCRIPT, exports
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Call
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedModule:
    """The TypeScript of a Worker; `problems` are warnings.

    `children` are the Workers that nodes call, except those that are bound in any case;
    `dependencies` are the npm packages of the workflow and its node types; `syntaxes` is the code
    of its nodes by id and field, of templates, and the entry code. `explain` returns a hint for a
    compiler message about the name of a node, or "".
    """

    source: str
    trigger: Trigger
    env_uses: tuple[EnvUse, ...]
    children: tuple[Child, ...]
    dependencies: Mapping[str, str]
    problems: tuple[Problem, ...]
    syntaxes: Mapping[tuple[str, str], Syntax]
    explain: Callable[[str], str]
    _writer: Writer
    _regenerate: Callable[[frozenset[str]], GeneratedModule]

    def with_untyped(self, node_ids: Iterable[str]) -> GeneratedModule:
        """Return the same module with the outputs of these nodes typed as any."""
        return self._regenerate(frozenset(node_ids))

    def locate(self, line: int, column: int) -> Location | None:
        """Return where a position (from 1) comes from; None for generated code."""
        return self._writer.locate(line, column)

    def line_nodes(self) -> list[str]:
        """Return the node that each line of the source comes from, "" for generated code."""
        return self._writer.line_nodes()


def read(nodes: Iterable[Node], settings: ModuleSettings) -> tuple[CodeReader, CustomEntry | None]:
    """Read all code of a workflow, even if its graph is invalid."""
    reader = CodeReader(dependencies=frozenset(settings.dependencies))
    reader.read_nodes(nodes)
    entry = read_entry(settings.entry_code, reader) if settings.entry_code.strip() else None
    reader.check_globals()
    return reader, entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """The code of a document without errors; `uses` are the names of `env` in it."""

    reader: CodeReader
    entry: CustomEntry | None
    templates: Templates
    scopes: Scopes
    naming: Naming
    reads: Reads
    uses: Mapping[NameUse, None]
    sensitive: frozenset[str]
    problems: tuple[Problem, ...]

    @property
    def syntaxes(self) -> dict[CodeKey, Syntax]:
        """The code of nodes, of templates, and the entry code."""
        entry = {("", ENTRY_PATH): self.entry.syntax} if self.entry else {}
        return {**self.reader.syntaxes, **self.templates.syntaxes, **entry}


def _check(ir: WorkflowIR, settings: ModuleSettings) -> _Checked:
    """Read the code and name the nodes; raises InvalidIR with every problem that prevents a program."""
    nodes = ir.nodes.values()
    reader, entry = read(nodes, settings)
    templates = Templates(nodes, variables=settings.variables, dependencies=settings.dependencies)
    scopes = Scopes(ir.nodes, ir.structure)
    taken = reader.import_header.names | {settings.class_name}
    naming = name_nodes(ir.nodes, scopes, taken=taken)
    reads = read_outputs(ir, scopes, naming.variables, reader.syntaxes)
    uses = {**reader.uses, **templates.uses}
    problems = (
        *reader.problems,
        *templates.problems,
        *(workflow_only_uses(uses, settings) if ir.kind == SCRIPT else ()),
        *kind_conflicts(uses, settings),
        *reads.too_early,
    )
    if any(problem.is_error for problem in problems):
        explained = with_hints(problems, nodes, naming.variables, reader.syntaxes)
        raise InvalidIR(explained)
    sensitive = sensitive_nodes(ir, reader, settings.secrets)
    missing = MissingOutputs(ir, scopes, naming.variables, reader.syntaxes)
    return _Checked(
        reader=reader,
        entry=entry,
        templates=templates,
        scopes=scopes,
        naming=naming,
        reads=reads,
        uses=uses,
        sensitive=sensitive,
        problems=(
            *problems,
            *missing.in_fields(),
            *shown_at_the_end(ir, last_values(ir), sensitive),
        ),
    )


def generate(ir: WorkflowIR, settings: ModuleSettings) -> GeneratedModule:
    """Return the module; raises InvalidIR with every problem that prevents it."""
    checked = _check(ir, settings)
    header = checked.reader.import_header
    templates = checked.templates
    templates.assign_names(checked.naming.names, header, used=checked.reader.names)
    taken = all_names(checked.uses, settings)
    env = env_uses(checked.uses, settings)
    called = children(ir.nodes.values(), taken=taken, bound_workflows=settings.bound_workflows)
    plan = _plan(ir, checked, called, untyped=settings.untyped)
    writer = write_program(
        plan, settings, templates=templates, header=header, env=env, entry=checked.entry
    )
    return GeneratedModule(
        source=writer.source,
        trigger=ir.trigger,
        env_uses=env,
        children=tuple(child for child in called.values() if child.name not in taken),
        dependencies=templates.dependencies,
        problems=checked.problems,
        syntaxes=checked.syntaxes,
        explain=partial(hint, nodes=ir.nodes.values(), variables=plan.variables),
        _writer=writer,
        _regenerate=lambda ids: generate(ir, replace(settings, untyped=ids)),
    )


def _plan(
    ir: WorkflowIR, checked: _Checked, called: Mapping[Call, Child], *, untyped: frozenset[str]
) -> Plan:
    values = last_values(ir)
    exported = exports(ir.nodes.values()) if ir.kind == SCRIPT else {}
    return Plan(
        ir=ir,
        scopes=checked.scopes,
        names=checked.naming.names,
        variables=checked.naming.variables,
        codes=checked.reader.codes,
        inputs=checked.reads.inputs,
        last_values=values,
        usage=usage(ir, checked.reads.by_node, values, exported=exported),
        step_names=step_names(ir),
        children=called,
        templates=checked.templates.functions,
        untyped=untyped,
        sensitive=checked.sensitive,
    )
