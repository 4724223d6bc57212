"""The module of a draft for the language server, with a slot in place of each piece of code.

It is generated for every draft whose graph is a tree, whatever its code and its settings contain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from workflows.codegen.analysis.children import children
from workflows.codegen.analysis.code_reader import CodeReader
from workflows.codegen.analysis.import_header import NAMED, ImportHeader
from workflows.codegen.analysis.last_values import last_values
from workflows.codegen.analysis.missing_outputs import MissingOutputs
from workflows.codegen.analysis.node_names import name_nodes
from workflows.codegen.analysis.reads import inputs
from workflows.codegen.analysis.step_names import step_names
from workflows.codegen.analysis.usage import usage_for_editing
from workflows.codegen.module.generate import read
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.module.program import entry_slot, write_program
from workflows.codegen.module.script import EVENT
from workflows.codegen.module.templates import Templates
from workflows.codegen.module.worker_env import all_names, env_uses, types_of, write_interface
from workflows.codegen.steps.plan import Plan
from workflows.codegen.steps.settings_writer import NO_VALUE, ROOT_EXPRESSIONS
from workflows.codegen.syntax.imports import Binding
from workflows.codegen.text.slots import SlotKey, Slots
from workflows.codegen.text.writer import Writer
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.identifiers import GENERATED_NAMES, Names, assign_variables
from workflows.ir.settings.setting_field import Parameter
from workflows.ir.tree.scope import Scopes

_MEANT_FOR_CODE: Final = frozenset({*NAMED, "Env", "ctx", "env", "err", "event", "step"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNames:
    """What the code of a node can use.

    `outputs` are the variables of the nodes that it can read, by id; `local` the names of the regions
    around it.
    """

    outputs: Mapping[str, str]
    local: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditingModule:
    """A module with slots; `nodes` and `variables` are by node id.

    `ir` is the document, or None if its graph is not a tree, in which case nothing is known about
    `missing_outputs` either. `env_names` is what `env` contains, and `hidden` are the names of generated code.
    """

    parts: tuple[str | SlotKey, ...]
    nodes: Mapping[str, Node]
    ir: WorkflowIR | None
    missing_outputs: MissingOutputs | None
    variables: Mapping[str, str]
    env_names: tuple[str, ...]
    hidden: frozenset[str]
    dependencies: tuple[str, ...]
    without_value: frozenset[str]
    _header: ImportHeader
    _names: Callable[[str], NodeNames]

    def parameters(self, node_id: str, path: str) -> tuple[Parameter, ...]:
        """Return the names that only the code at a path of a node can use."""
        return self.nodes[node_id].type.parameters_at(path) if node_id in self.nodes else ()

    def names(self, node_id: str, path: str) -> NodeNames | None:
        """Return what the code at a path of a node can use; None if there is no such node."""
        if node_id not in self.nodes:
            return None
        names = self._names(node_id)
        own = {parameter.name for parameter in self.parameters(node_id, path)}
        return replace(names, local=names.local | own) if own else names

    def expression(self, root: str, node_id: str, path: str) -> str:
        """Return the expression for the first name of a reference in a node; any value if unknown."""
        names = self.names(node_id, path)
        if names and root in names.local:
            return root
        if root in self.variables:
            return NO_VALUE if root in self.without_value else self.variables[root]
        return ROOT_EXPRESSIONS.get(root, NO_VALUE)

    def is_imported(self, binding: Binding) -> bool:
        """Whether the module already declares the name of an import."""
        return binding.local in self._header.names


def generate_for_editing(ir: WorkflowIR, settings: ModuleSettings) -> EditingModule:
    """Return the module of a document, even if its code or settings have errors."""
    nodes, slots, scopes = ir.nodes.values(), Slots(), Scopes(ir.nodes, ir.structure)
    reader, entry = read(nodes, settings)
    header = reader.import_header
    templates = Templates(nodes, variables=settings.variables, dependencies=settings.dependencies)
    naming = name_nodes(ir.nodes, scopes, taken=header.names | {settings.class_name})
    templates.assign_names(naming.names, header, used=reader.names)
    uses = {**reader.uses, **templates.uses}
    taken, env = all_names(uses, settings), env_uses(uses, settings)
    plan = Plan(
        ir=ir,
        scopes=scopes,
        names=naming.names,
        variables=naming.variables,
        codes=reader.codes,
        inputs=inputs(ir, scopes),
        last_values=last_values(ir),
        usage=usage_for_editing(ir),
        step_names=step_names(ir),
        children=children(nodes, taken=taken, bound_workflows=settings.bound_workflows),
        templates=templates.functions,
        untyped=settings.untyped,
        sensitive=frozenset(),
        slots=slots,
    )
    writer = write_program(plan, settings, templates=templates, header=header, env=env, entry=entry)
    return EditingModule(
        parts=tuple(slots.split(writer.source)),
        nodes=ir.nodes,
        ir=ir,
        missing_outputs=MissingOutputs(ir, scopes, naming.variables, reader.syntaxes),
        variables=naming.variables,
        env_names=tuple(sorted(taken)),
        _names=cache(lambda id_: _names(ir.nodes[id_], ir, naming.variables, scopes)),
        hidden=_hidden(naming.names, settings),
        dependencies=tuple(templates.dependencies),
        without_value=_without_value(nodes),
        _header=header,
    )


def _names(node: Node, ir: WorkflowIR, variables: Mapping[str, str], scopes: Scopes) -> NodeNames:
    outputs = {
        id_: variables[id_]
        for id_, other in ir.nodes.items()
        if other.type.output is not None and id_ != node.id and scopes.can_read(node, id_)
    }
    return NodeNames(outputs=outputs, local=scopes.names_for(node))


def _hidden(names: Names, settings: ModuleSettings) -> frozenset[str]:
    return (GENERATED_NAMES | names.given | {settings.class_name}) - _MEANT_FOR_CODE


def _without_value(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(node.id for node in nodes if node.type.output is None)


def generate_without_tree(nodes: Iterable[Node], settings: ModuleSettings) -> EditingModule:
    """Return a module for nodes without a tree: each can read all others, whose types are unknown."""
    nodes = list(nodes)
    reader = CodeReader(dependencies=frozenset(settings.dependencies))
    reader.read_nodes(nodes)
    for name in NAMED:
        reader.import_header.need_named(name)
    names, slots, writer = Names({settings.class_name}), Slots(), Writer()
    variables = assign_variables({node.id: node for node in nodes}, names)
    reader.import_header.write(writer)
    uses = env_uses(reader.uses, settings)
    types = dict.fromkeys(settings.variables, "string") | types_of(uses, settings.bindings)
    write_interface(types, optional=(), writer=writer)
    writer.line(f"async function run(event: {EVENT}, step: WorkflowStep, env: Env) {{")
    writer.line("const ctx: WorkflowStepContext = undefined;")
    for variable in variables.values():
        writer.line(f"var {variable}: any;")
    for node in nodes:
        writer.line(f"{{ {slots.token(node.id, '')} }}")
    writer.line("}")
    writer.text_block(entry_slot(slots))
    return EditingModule(
        parts=tuple(slots.split(writer.source)),
        nodes={node.id: node for node in nodes},
        ir=None,
        missing_outputs=None,
        variables=variables,
        env_names=tuple(sorted(all_names(reader.uses, settings))),
        _names=lambda own: NodeNames(
            outputs={id_: name for id_, name in variables.items() if id_ != own},
            local=frozenset(),
        ),
        hidden=_hidden(names, settings),
        dependencies=tuple(settings.dependencies),
        without_value=frozenset(),
        _header=reader.import_header,
    )
