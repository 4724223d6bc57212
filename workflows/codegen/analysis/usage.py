"""Where each variable is declared: in place, or further out if its value is used there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflows.codegen.analysis.last_values import LastValues
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import INFERRED
from workflows.ir.document.region_tree import Region

Reads = Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Where each variable is declared, and the nodes whose values are read.

    `used`: nodes whose value is read. `level`: maps each variable to the region that declares it.
    `hoisted`: maps a step's (region, position) to the nodes to declare before it. `crossing`: maps
    a region id to the nodes whose values leave it. `raced`: nodes whose values leave a race, so
    which ones exist is only known at run time.
    """

    used: frozenset[str]
    level: Mapping[str, int]
    hoisted: Mapping[tuple[int, int], list[str]]
    crossing: Mapping[int, list[str]]
    raced: frozenset[str]

    def is_hoisted(self, node_id: str, region_id: int) -> bool:
        """Whether the variable of a node in this region is declared outside it."""
        return self.level.get(node_id, region_id) != region_id


def written_order(root: Region) -> list[str]:
    """Return the ids of all nodes in the order in which they are written."""
    order: list[str] = []
    stack = list(reversed(root.steps))
    while stack:
        step = stack.pop()
        order.append(step.node_id)
        for region in reversed((*step.regions, *step.shared)):
            stack.extend(reversed(region.steps))
    return order


def usage(
    ir: WorkflowIR, reads: Reads, last_values: LastValues, *, exported: Iterable[str]
) -> Usage:
    """Decide where each value is declared, from the ids of the nodes that each node reads.

    Last values are read at the end of their regions, the `exported` ones of a script after everything.
    """
    order = written_order(ir.structure.root)
    levels = _Levels(ir, reads)
    levels.used.update(id_ for value in last_values.values() for id_ in value.sources)
    for id_ in exported:
        levels.read(id_, 0)
    while levels.propagate(order):
        pass
    crossing: dict[int, list[str]] = {}
    for id_ in order:
        for region_id in levels.crossed(id_):
            crossing.setdefault(region_id, []).append(id_)
    return Usage(
        used=frozenset(levels.used),
        level=levels.level,
        hoisted=_hoisted(ir, levels.level, order),
        crossing=crossing,
        raced=frozenset(filter(levels.is_raced, order)),
    )


def usage_for_editing(ir: WorkflowIR) -> Usage:
    """Use every value; only those inside concurrent arms, which are functions, move out of them."""
    level: dict[str, int] = {}
    for id_, (own, _) in ir.structure.locations.items():
        level[id_] = own
        for region_id in ir.structure.enclosing(own):
            info = ir.structure.regions[region_id]
            container = ir.nodes[info.owner].type.container
            if container and container.concurrent:
                level[id_] = info.parent
    outputs = [id_ for id_ in written_order(ir.structure.root) if ir.nodes[id_].type.output]
    return Usage(
        used=frozenset(outputs),
        level=level,
        hoisted=_hoisted(ir, level, outputs),
        crossing={},
        raced=frozenset(),
    )


class _Levels:
    """The region that declares each value, moved outwards until all its readers can see it.

    A callback from which the value's type is inferred moves out together with the value, and so do
    the values that this callback reads.
    """

    def __init__(self, ir: WorkflowIR, reads: Reads) -> None:
        self.level = {id_: region_id for id_, (region_id, _) in ir.structure.locations.items()}
        self.used: set[str] = set()
        self._ir = ir
        self._reads = reads

    def propagate(self, order: list[str]) -> bool:
        """Apply what each node reads; return whether a value moved that had already been visited.

        Readers come after what they read, so one pass backwards is enough, except for loops whose
        condition reads values from their body.
        """
        visited: set[str] = set()
        is_unfinished = False
        for id_ in reversed(order):
            visited.add(id_)
            where = self.level[id_] if self._moves(id_) else self._own(id_)
            for other in self._reads.get(id_, ()):
                is_unfinished |= self.read(other, where) and other in visited
        return is_unfinished

    def read(self, id_: str, region_id: int) -> bool:
        """Declare the value where the region can see it; return whether that moved it."""
        self.used.add(id_)
        before = self.level[id_]
        self.level[id_] = self._ir.structure.common(before, region_id)
        return self.level[id_] != before

    def crossed(self, id_: str) -> Iterator[int]:
        """Return the regions that the value leaves, from the innermost outwards."""
        return self._ir.structure.enclosing(self._own(id_), until=self.level[id_])

    def is_raced(self, id_: str) -> bool:
        return any(map(self._is_in_step, self.crossed(id_)))

    def _moves(self, id_: str) -> bool:
        is_inferred = self._ir.nodes[id_].type.output == INFERRED
        return is_inferred and self.level[id_] != self._own(id_) and not self.is_raced(id_)

    def _own(self, id_: str) -> int:
        return self._ir.structure.locations[id_][0]

    def _is_in_step(self, region_id: int) -> bool:
        container = self._ir.nodes[self._ir.structure.regions[region_id].owner].type.container
        return container is not None and container.step_timeout is not None


def _hoisted(
    ir: WorkflowIR, level: Mapping[str, int], order: list[str]
) -> dict[tuple[int, int], list[str]]:
    hoisted: dict[tuple[int, int], list[str]] = {}
    for id_ in order:
        region_id = level[id_]
        if region_id != ir.structure.locations[id_][0]:
            position, _ = ir.structure.position_in(region_id, id_)
            hoisted.setdefault((region_id, position), []).append(id_)
    return hoisted
