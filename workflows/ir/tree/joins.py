"""Where containers go on: at their `then`, or where all that leads out of them must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflows.ir.document.model import Edge, Node
from workflows.ir.tree.flow import Arm, Flow
from workflows.ir.tree.graph import PostDominators


def joins(
    nodes: Mapping[str, Node], *, flows: Mapping[str, Flow], order: Sequence[str]
) -> dict[str, str | None]:
    """Return the join of each container: its `then`, or where two regions or more must meet."""
    around = {id_: _goes_on(flow) for id_, flow in flows.items()}
    dominators = PostDominators(order, around)
    return {
        id_: _join(flows[id_], dominators.of(id_)) for id_ in order if nodes[id_].type.container
    }


def _goes_on(flow: Flow) -> list[str]:
    """Return where a node surely goes on: a `then` stands for whatever the regions do."""
    return [flow.then.target] if flow.then else flow.targets


def _join(flow: Flow, dominator: str | None) -> str | None:
    if flow.then:
        return flow.then.target
    return dominator if len(_edges(flow.arms)) > 1 else None


def _edges(arms: tuple[Arm, ...]) -> list[Edge]:
    return [arm.edge for arm in arms if arm.edge]
