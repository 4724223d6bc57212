"""What nodes are called in code: the variable of each node."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from workflows.ir.document.model import WorkflowIR
from workflows.ir.reading.identifiers import Names, assign_variables
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The variable of each node, and the source of further unique names."""

    names: Names
    variables: Mapping[str, str]


def name_nodes(ids: Iterable[str], scopes: Scopes, *, taken: Collection[str]) -> Naming:
    """Name each node after its id, unless the item of a surrounding loop would hide the name."""
    names = Names(taken)
    variables = assign_variables(
        ids, names, hidden=scopes.hidden, container_names=scopes.provided_names
    )
    return Naming(names=names, variables=variables)


def variables_of(ir: WorkflowIR) -> Mapping[str, str]:
    """Return the variable of each node by its id, in a document whose code imports nothing."""
    return name_nodes(ir.nodes, Scopes(ir.nodes, ir.structure), taken=()).variables
