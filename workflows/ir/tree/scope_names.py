"""The names that `{{ }}` and code can use at a node, for completion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import INFERRED
from workflows.ir.tree.scope import Scopes

_ROOTS: Final = {
    "trigger": ("Payload of the run", "any"),
    "event": ("Event that started the run", "WorkflowEvent<any>"),
    "env": ("Environment: variables and bindings", "Env"),
}
_INNER_TITLES: Final = {"err": ("Error that was caught", "any")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeName:
    """A name in scope: what it is, and its TypeScript type ("" if only the compiler knows it)."""

    name: str
    title: str
    type: str


def scope_names(ir: WorkflowIR | None, node_id: str) -> tuple[ScopeName, ...]:
    """Return what is in scope at a node: inner names first, then earlier nodes, then the roots.

    `ir` may be a draft whose settings have errors; without one, only the roots are known.
    """
    names: list[ScopeName] = []
    if ir and node_id in ir.structure.locations:
        node, scopes = ir.nodes[node_id], Scopes(ir.nodes, ir.structure)
        names += _inner_names(ir, node, scopes)
        hidden = {name.name for name in names}
        names += (name for name in _outputs(ir, node, scopes) if name.name not in hidden)
    known = {*(ir.nodes if ir else ()), *(name.name for name in names)}
    roots = (
        ScopeName(name=name, title=title, type=type_)
        for name, (title, type_) in _ROOTS.items()
        if name not in known
    )
    return (*names, *roots)


def _inner_names(ir: WorkflowIR, node: Node, scopes: Scopes) -> Iterator[ScopeName]:
    """Yield the names of the loops and the catch around the node, innermost first."""
    region_id, _ = ir.structure.locations[node.id]
    container = node.type.container
    owners = dict.fromkeys(container.own_names(node.settings) if container else (), node.name)
    for inner_id in ir.structure.enclosing(region_id):
        owner = ir.structure.regions[inner_id].owner
        for name in scopes.inner_names(inner_id):
            owners.setdefault(name, ir.nodes[owner].name)
    for name, owner_name in owners.items():
        title, type_ = _INNER_TITLES.get(name, (f"Variable of {owner_name}", ""))
        yield ScopeName(name=name, title=title, type=type_)


def _outputs(ir: WorkflowIR, node: Node, scopes: Scopes) -> Iterator[ScopeName]:
    """Yield the nodes before this one that have an output, in reverse order of the document."""
    for other in reversed(list(ir.nodes.values())):
        output = other.type.output
        is_placed = other.id != node.id and other.id in ir.structure.locations
        if output is not None and is_placed and scopes.can_read(node, other.id):
            type_ = "" if output == INFERRED else output
            yield ScopeName(name=other.id, title=other.name, type=type_)
