"""The variable of each node of a workflow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workflows.ir.document.model import WorkflowIR
from workflows.ir.reading.identifiers import Names, assign_variables
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The variable of each node, and the source of further unique names."""

    names: Names
    variables: Mapping[str, str]


def name_nodes(ir: WorkflowIR, *, taken: Collection[str]) -> Naming:
    """Name each node after its id, unless the item of a surrounding loop would hide the name."""
    names = Names(taken)
    scopes, where = Scopes(ir.nodes, ir.structure), ir.structure.locations
    hidden = {id_ for id_ in ir.nodes if id_ in scopes.names_in(where[id_][0])}
    by_id = assign_variables(ir.nodes, names, hidden=hidden, container_names=_container_names(ir))
    return Naming(names=names, variables=by_id)


def _container_names(ir: WorkflowIR) -> set[str]:
    """Return all names that containers define, for their regions or their own settings."""
    names: set[str] = set()
    for region in ir.structure.regions[1:]:
        node = ir.nodes[region.owner]
        if node.type.container:
            names.update(node.type.container.inner_names(node.settings, region.label))
            names.update(node.type.container.own_names(node.settings))
    return names
