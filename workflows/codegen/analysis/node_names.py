"""The variable of each node of a workflow, beside the names that regions give."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workflows.ir.document.model import WorkflowIR
from workflows.ir.reading.identifiers import Names, assign_variables
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The variable of each node, and the source of the names that are still to come."""

    names: Names
    variables: Mapping[str, str]


def name_nodes(ir: WorkflowIR, *, taken: Collection[str]) -> Naming:
    """Name each node after its id; one that a loop's item would hide where it stands, otherwise."""
    names = Names(taken)
    scopes, where = Scopes(ir.nodes, ir.structure), ir.structure.locations
    hidden = {id_ for id_ in ir.nodes if id_ in scopes.names_at(where[id_][0])}
    named = assign_variables(ir.nodes, names, hidden=hidden, given=_given(ir))
    return Naming(names=names, variables=named)


def _given(ir: WorkflowIR) -> set[str]:
    """Return all names that regions give to what is inside them, or containers to their settings."""
    names: set[str] = set()
    for place in ir.structure.regions[1:]:
        node = ir.nodes[place.owner]
        if node.type.container:
            names.update(node.type.container.inner_names(node.settings, place.label))
            names.update(node.type.container.own_names(node.settings))
    return names
