"""The inputs of custom nodes: the outputs of the nodes that lead directly to them."""

from __future__ import annotations

from collections.abc import Mapping

from workflows.codegen.text.literals import literal
from workflows.ir.document.model import WorkflowIR
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.tree.scope import Scopes

Inputs = Mapping[str, tuple[str, ...]]


def inputs(ir: WorkflowIR, scopes: Scopes) -> Inputs:
    """Return the ids of the input nodes of each custom node, in the order of the edges."""
    sources: dict[str, dict[str, None]] = {
        id_: {} for id_, node in ir.nodes.items() if node.type.custom
    }
    for edge in ir.edges if sources else ():
        node, source = ir.nodes[edge.target], ir.nodes[edge.source]
        has_output = source.type.output is not None
        if edge.target in sources and has_output and scopes.can_read(node, source.id):
            sources[edge.target][source.id] = None
    return {id_: tuple(ids) for id_, ids in sources.items()}


def member(name: str, variable: str) -> str:
    """Return a member of an object literal; a plain key `__proto__` would set the prototype."""
    key = name if is_identifier(name) and name != "__proto__" else f"[{literal(name)}]"
    return key if key == variable else f"{key}: {variable}"
