"""The outputs that each node reads: by reference, by name in its code, or as input of a custom node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows.codegen.analysis.code_reader import CodeKey
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.fields import parameters_of
from workflows.ir.reading.problems import Problem
from workflows.ir.tree.scope import Scopes

Inputs = Mapping[str, tuple[str, ...]]
"""The nodes whose outputs each custom node receives, in the order of the edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """The nodes whose outputs each node reads; `too_early` are problems with those that run later."""

    by_node: Mapping[str, set[str]]
    inputs: Inputs
    too_early: tuple[Problem, ...]


def read_outputs(
    ir: WorkflowIR,
    scopes: Scopes,
    variables: Mapping[str, str],
    syntaxes: Mapping[CodeKey, Syntax],
) -> Reads:
    """Find what each node reads; `variables` are the names of outputs in code, by node id."""
    too_early = tuple(uses_before_definition(ir, scopes, variables, syntaxes))
    received = inputs(ir, scopes)
    read: dict[str, set[str]] = {id_: set(others) for id_, others in received.items()}
    by_variable = {variable: id_ for id_, variable in variables.items()}
    for (node_id, _), syntax in syntaxes.items():
        local = scopes.names_for(ir.nodes[node_id]).union(syntax.code.parameters)
        names = (syntax.names & by_variable.keys()) - local
        read.setdefault(node_id, set()).update(by_variable[name] for name in names)
    for node in ir.nodes.values():
        referenced = {
            reference.root
            for part in node.fields
            for reference in part.references
            if reference.root not in parameters_of(part)
        }
        others = read.setdefault(node.id, set())
        others |= (referenced & ir.nodes.keys()) - scopes.names_for(node)
        read[node.id] = {other for other in others if _is_readable(node, ir.nodes[other], scopes)}
    return Reads(by_node=read, inputs=received, too_early=too_early)


def _is_readable(node: Node, other: Node, scopes: Scopes) -> bool:
    return other.type.output is not None and scopes.can_read(node, other.id)


def inputs(ir: WorkflowIR, scopes: Scopes) -> Inputs:
    """Return the nodes that lead directly to each custom node and have an output."""
    sources: dict[str, dict[str, None]] = {
        id_: {} for id_, node in ir.nodes.items() if node.type.custom
    }
    for edge in ir.edges if sources else ():
        node, source = ir.nodes[edge.target], ir.nodes[edge.source]
        if edge.target in sources and _is_readable(node, source, scopes):
            sources[edge.target][source.id] = None
    return {id_: tuple(ids) for id_, ids in sources.items()}


def uses_before_definition(
    ir: WorkflowIR,
    scopes: Scopes,
    variables: Mapping[str, str],
    syntaxes: Mapping[CodeKey, Syntax],
) -> Iterator[Problem]:
    """Yield a problem for each variable that would be read before it has a value.

    Names that the code declares itself are ignored.
    """
    by_variable = {variable: id_ for id_, variable in variables.items()}
    for (node_id, path), syntax in syntaxes.items():
        used = by_variable.keys() & syntax.names
        if not used or syntax.is_broken:
            continue
        node = ir.nodes[node_id]
        local = scopes.names_for(node).union(syntax.code.parameters)
        for name in sorted((used & syntax.free.keys()) - local):
            refusal = scopes.refusal(node, by_variable[name])
            if refusal:
                mistake = syntax.mistake(syntax.free[name], refusal)
                field_path = f"{node.path}.{path}"
                yield Problem(path=field_path, message=str(mistake), node_id=node_id)
