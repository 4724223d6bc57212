"""The other Workers that a workflow's nodes call, each through its own binding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Call
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.identifiers import Names, to_identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A Worker that nodes call by `env.NAME`.

    `worker` comes from the document: the id of a workflow here, or the name of any Worker, in which
    case `class_name` is its workflow's class. `node_id` is the first node that calls it.
    """

    name: str
    kind: BindingKind
    worker: str
    class_name: str
    node_id: str


def children(
    nodes: Iterable[Node], *, taken: Collection[str], bound_workflows: Mapping[Call, str]
) -> dict[Call, Child]:
    """Return the child of each call, with binding names that are not `taken`.

    `bound_workflows` keep their names, as wrangler cannot bind a Workflow twice.
    """
    names = Names(taken)
    called: dict[Call, Child] = {}
    for node in nodes:
        call = node.type.calls(node.settings) if node.type.calls else None
        if call and call not in called:
            name = to_identifier(f"CHILD_{call.worker}".upper())
            called[call] = Child(
                name=bound_workflows.get(call) or names.unique(name),
                kind=BindingKind(call.kind),
                worker=call.worker,
                class_name=call.class_name,
                node_id=node.id,
            )
    return called
