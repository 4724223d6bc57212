"""The generated Worker as a whole: imports, Env, helpers, the workflow's class and handlers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from workflows.codegen.analysis.children import Child, children
from workflows.codegen.analysis.code_reader import ENTRY_PATH, CodeReader
from workflows.codegen.analysis.import_header import NAMED, WORKERS
from workflows.codegen.analysis.inputs import inputs
from workflows.codegen.analysis.last_values import last_values
from workflows.codegen.analysis.name_hints import hint, hint_in_code
from workflows.codegen.analysis.node_names import Naming, name_nodes
from workflows.codegen.analysis.step_names import step_names
from workflows.codegen.analysis.usage import usage, usage_for_editing
from workflows.codegen.analysis.use_before_definition import uses_before_definition
from workflows.codegen.module.custom_entry import CustomEntry
from workflows.codegen.module.entry import default_entry, needed_handlers
from workflows.codegen.module.script import EVENT, write_script
from workflows.codegen.module.templates import Templates
from workflows.codegen.module.worker_env import EnvUse, env_uses, types_of, write_interface
from workflows.codegen.steps.break_flow import Run
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.steps.settings_writer import Plan
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.literals import comment
from workflows.codegen.text.slots import Slots
from workflows.codegen.text.writer import Location, Writer
from workflows.ir.document.kinds import SCRIPT, exports
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Call
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSettings:
    """What a module needs besides the document.

    `workflow_binding` is the name of the Worker's own workflow in `env`, `bound_workflows` the names
    of all Workflows that are bound in any case. `variables` are the names of all environment
    variables, `bindings` the kinds of the declared bindings, `dependencies` npm packages and their
    versions. `untyped` are nodes whose output types the compiler cannot know, `added_triggers` the
    kinds of triggers ("cron", "queue") that the deploy settings add to the document's own.
    """

    class_name: str
    workflow_binding: str
    variables: frozenset[str] = frozenset()
    bindings: Mapping[str, BindingKind] = field(default_factory=dict)
    bound_workflows: Mapping[Call, str] = field(default_factory=dict)
    entry_code: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)
    untyped: frozenset[str] = frozenset()
    added_triggers: frozenset[str] = frozenset()


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


def generate(ir: WorkflowIR, settings: ModuleSettings) -> GeneratedModule:
    """Return the module; raises InvalidIR with every problem that prevents it."""
    reader, entry = read(ir.nodes.values(), settings)
    templates = Templates(ir.nodes.values(), reader=reader, variables=settings.variables)
    packages = templates.dependencies(settings.dependencies)
    if ir.kind == SCRIPT:
        reader.problems += _workflow_only_uses(reader, settings)
    naming = name_nodes(ir, taken=reader.import_header.names | {settings.class_name})
    reader.problems += uses_before_definition(ir, naming.variables, reader.syntaxes)
    if any(problem.is_error for problem in reader.problems):
        raise InvalidIR(_with_hints(reader, ir, naming))
    templates.assign_names(naming.names)
    uses = env_uses(reader.uses, settings)
    taken = env_names(uses, settings)
    called = children(ir.nodes.values(), taken=taken, bound_workflows=settings.bound_workflows)
    builder = ModuleBuilder(
        ir,
        settings=settings,
        reader=reader,
        naming=naming,
        called=called,
        templates=templates,
    )
    writer = builder.write(uses, entry)
    return GeneratedModule(
        source=writer.source,
        trigger=ir.trigger,
        env_uses=uses,
        children=tuple(child for child in called.values() if child.name not in taken),
        dependencies=packages,
        problems=tuple(reader.problems),
        syntaxes={
            **reader.syntaxes,
            **templates.syntaxes,
            **({("", ENTRY_PATH): entry.syntax} if entry else {}),
        },
        explain=partial(hint, nodes=ir.nodes.values(), variables=naming.variables),
        _writer=writer,
        _regenerate=lambda ids: generate(ir, replace(settings, untyped=ids)),
    )


def _with_hints(reader: CodeReader, ir: WorkflowIR, naming: Naming) -> Iterator[Problem]:
    """Add the variable of the node to a syntax error, if the code contains the node's name."""
    syntaxes = {(id_, f"nodes.{id_}.{path}"): code for (id_, path), code in reader.syntaxes.items()}
    for problem in reader.problems:
        syntax = syntaxes.get((problem.node_id, problem.path))
        is_broken = syntax is not None and syntax.tree.root_node.has_error
        source = syntax.code.source if syntax and is_broken else ""
        found = hint_in_code(source, ir.nodes.values(), naming.variables) if source else ""
        yield replace(problem, message=f"{problem.message}; {found}") if found else problem


def read(nodes: Iterable[Node], settings: ModuleSettings) -> tuple[CodeReader, CustomEntry | None]:
    """Read all code of a workflow, even if its graph is invalid."""
    reader = CodeReader(dependencies=frozenset(settings.dependencies))
    reader.read_nodes(nodes)
    entry = CustomEntry(settings.entry_code, reader) if settings.entry_code.strip() else None
    reader.check_globals()
    return reader, entry


def entry_slot(slots: Slots) -> str:
    """Return the place of the entry code, in a function like that of a deployed module."""
    return f"(() => {{\n{slots.token('', ENTRY_PATH)}\n}})();\n"


def env_names(uses: tuple[EnvUse, ...], settings: ModuleSettings) -> set[str]:
    """Return every name in `env`, used or not."""
    used = {use.name for use in uses}
    return {settings.workflow_binding, *settings.bindings, *settings.variables, *used}


def _workflow_only_uses(reader: CodeReader, settings: ModuleSettings) -> Iterator[Problem]:
    """Yield what only a workflow can have: entry code, and itself in `env`."""
    if settings.entry_code.strip():
        message = "a script cannot have entry code, as nothing else could run its nodes: remove it"
        yield Problem(path=ENTRY_PATH, message=message)
    for use in reader.uses:
        if use.name == settings.workflow_binding:
            message = f"a script has no workflow of its own: remove env.{use.name}"
            yield Problem(path=use.path, message=message, node_id=use.node_id)


class ModuleBuilder:
    """Assembles the module; the class is written first, because it determines the rest."""

    def __init__(
        self,
        ir: WorkflowIR,
        *,
        settings: ModuleSettings,
        reader: CodeReader,
        naming: Naming,
        called: Mapping[Call, Child],
        templates: Templates,
        slots: Slots | None = None,
    ) -> None:
        self._slots = slots
        self._called = called
        self._templates = templates
        self._ir = ir
        self._is_script = ir.kind == SCRIPT
        self._scopes = Scopes(ir.nodes, ir.structure)
        self._inputs = inputs(ir, self._scopes)
        self._naming = naming
        self._settings = settings
        self._reader = reader

    def write(self, uses: tuple[EnvUse, ...], entry: CustomEntry | None) -> Writer:
        """Return a writer with the whole module."""
        body, binding = Writer(), self._settings.workflow_binding
        write_program = write_script if self._is_script else self._class
        emitter = write_program(self.plan, body)
        body.set_node("")
        body.line()
        if self._slots:
            body.text_block(entry_slot(self._slots))
        elif entry:
            kinds = {self._ir.trigger.kind, *self._settings.added_triggers}
            entry.write(body, needed_handlers(kinds, binding, entry.handlers))
        else:
            body.text_block(default_entry(self._ir, binding, self._settings.added_triggers))
        return self._with_header(body, uses=uses, helpers=emitter.helpers)

    @cached_property
    def plan(self) -> Plan:
        """Everything that is decided before the class is written."""
        variables, values = self._naming.variables, last_values(self._ir)
        root = self._ir.structure.root.id
        if self._is_script:  # it returns its exports, not its last value
            values = {id_: value for id_, value in values.items() if id_ != root}
        sources = [id_ for value in values.values() for id_ in value.sources]
        at_end: Collection[str] = exports(self._ir.nodes.values()) if self._is_script else ()
        return Plan(
            ir=self._ir,
            variables=variables,
            syntaxes=self._reader.syntaxes,
            usage=usage_for_editing(self._ir)
            if self._slots
            else usage(self._ir, self._reads(variables), as_last=sources, at_end=at_end),
            names=self._naming.names,
            children=self._called,
            last_values=values,
            step_names=step_names(self._ir),
            inputs=self._inputs,
            templates=self._templates.functions,
            untyped=self._settings.untyped,
            slots=self._slots,
        )

    def _reads(self, variables: Mapping[str, str]) -> dict[str, set[str]]:
        """Return the nodes whose values each node reads, by reference or by variable."""
        by_variable = {variable: id_ for id_, variable in variables.items()}
        reads: dict[str, set[str]] = {}
        for (node_id, _), syntax in self._reader.syntaxes.items():
            local = self._scopes.names_for(self._ir.nodes[node_id])
            names = (syntax.names & by_variable.keys()) - local
            reads.setdefault(node_id, set()).update(by_variable[name] for name in names)
        for node in self._ir.nodes.values():
            references = _referenced_nodes(node, self._ir) - self._scopes.names_for(node)
            reads.setdefault(node.id, set()).update(references)
        for id_, sources in self._inputs.items():
            reads[id_].update(sources)
        return {id_: self._readable(id_, others) for id_, others in reads.items() if others}

    def _readable(self, id_: str, others: set[str]) -> set[str]:
        nodes = self._ir.nodes
        return {
            other
            for other in others
            if nodes[other].type.output is not None and self._scopes.can_read(nodes[id_], other)
        }

    def _class(self, plan: Plan, body: Writer) -> Emitter:
        emitter = Emitter(plan, body)
        extends = "extends WorkflowEntrypoint<Env, any>"
        body.line(f"export class {self._settings.class_name} {extends} {{")
        with body.indented():
            body.line(f"async run(event: {EVENT}, step: WorkflowStep) {{")
            with body.indented():
                body.line("const env = this.env;")
                body.line()
                last, candidates = emitter.last_value()
                emitter.run(Run(last=last, candidates=candidates))
            body.set_node("")
            body.line("}")
        body.line("}")
        return emitter

    def _with_header(self, body: Writer, *, uses: tuple[EnvUse, ...], helpers: list[str]) -> Writer:
        header = self._reader.import_header
        if not self._is_script:
            header.need("WorkflowEntrypoint", WORKERS, type_only=False)
        header.need_named("\n".join([body.source, *helpers, self._templates.source]))
        if self._slots:
            header.need_named(" ".join(NAMED))
        writer = Writer()
        name = self._ir.metadata.name
        writer.line(
            comment(name, ": generated from the workflow document. Edit that, not this code.")
        )
        writer.line()
        header.write(writer)
        self._env(writer, uses)
        for helper in helpers:
            writer.line()
            writer.text_block(helper)
        self._templates.write(writer)
        writer.line()
        writer.append(body)
        return writer

    def _env(self, writer: Writer, uses: tuple[EnvUse, ...]) -> None:
        types: dict[str, str] = {}
        if not self._is_script:
            types[self._settings.workflow_binding] = BindingKind.WORKFLOW.typescript
        if self._slots:
            types |= dict.fromkeys(self._settings.variables, "string")
        types |= types_of(uses, self._settings.bindings)
        types |= {child.name: child.kind.typescript for child in self._called.values()}
        write_interface(types, optional=self._templates.optional, writer=writer)


def _referenced_nodes(node: Node, ir: WorkflowIR) -> set[str]:
    return {
        reference.root
        for part in node.fields
        for reference in part.references
        if reference.root in ir.nodes
    }
