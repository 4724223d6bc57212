"""The other Workers that a workflow's nodes call, each through a binding of its own."""

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

    `worker` is what the document says: the id of a workflow of ours, or the name of any Worker;
    then `class_name` is that of its workflow. `node_id` is the first node that calls it.
    """

    name: str
    kind: BindingKind
    worker: str
    class_name: str
    node_id: str


def children(
    nodes: Iterable[Node], *, taken: Collection[str], bound_workflows: Mapping[Call, str]
) -> dict[Call, Child]:
    """Return the child of each call, by names that no name of `env` (`taken`) has.

    What `env` holds anyway (`bound_workflows`) keeps its name: wrangler binds no Workflow twice.
    """
    names = Names(taken)
    found: dict[Call, Child] = {}
    for node in nodes:
        call = node.type.calls(node.settings) if node.type.calls else None
        if call and call not in found:
            wish = to_identifier(f"CHILD_{call.worker}".upper())
            found[call] = Child(
                name=bound_workflows.get(call) or names.unique(wish),
                kind=BindingKind(call.kind),
                worker=call.worker,
                class_name=call.class_name,
                node_id=node.id,
            )
    return found
