"""Where each variable is declared: in place, or as far out as its value is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workflows.ir.document import WorkflowIR
from workflows.ir.node_types import INFERRED
from workflows.ir.structure import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`used` are the nodes whose value somebody reads; `level` is the place that declares each.

    `hoisted` lists the nodes to declare before a step, by the place and position of that step.
    """

    used: frozenset[str]
    level: Mapping[str, int]
    hoisted: Mapping[tuple[int, int], list[str]]

    def is_hoisted(self, node_id: str, own: int) -> bool:
        return self.level.get(node_id, own) != own


def in_order(root: Region) -> list[str]:
    """Return the ids of all nodes in the order in which they are written."""
    order: list[str] = []
    waiting = list(reversed(root.steps))
    while waiting:
        step = waiting.pop()
        order.append(step.node_id)
        for region in reversed((*step.regions, *step.shared)):
            waiting.extend(reversed(region.steps))
    return order


def usage(ir: WorkflowIR, reads: Mapping[str, Iterable[str]]) -> Usage:
    """Decide from what each node reads (ids of other nodes) where each value is declared.

    A callback whose type gives the value its type moves out together with the value, and so do the
    values that this callback reads; users come after what they use, so one pass backwards does.
    """
    structure = ir.structure
    level = {id_: place for id_, (place, _) in structure.where.items()}
    used: set[str] = set()
    order = in_order(structure.root)
    for id_ in reversed(order):
        own = structure.where[id_][0]
        moves = level[id_] != own and ir.nodes[id_].type.output == INFERRED
        from_place = level[id_] if moves else own
        for read in reads.get(id_, ()):
            used.add(read)
            level[read] = structure.common(level[read], from_place)
    return Usage(used=frozenset(used), level=level, hoisted=_hoisted(ir, level, order))


def _hoisted(
    ir: WorkflowIR, level: Mapping[str, int], order: list[str]
) -> dict[tuple[int, int], list[str]]:
    hoisted: dict[tuple[int, int], list[str]] = {}
    for id_ in order:
        place = level[id_]
        if place != ir.structure.where[id_][0]:
            position, _ = ir.structure.position_in(place, id_)
            hoisted.setdefault((place, position), []).append(id_)
    return hoisted
