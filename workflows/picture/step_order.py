"""Whether a step of a run can belong to a node, considering the steps before and after it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.ir.document.model import WorkflowIR

RawStep = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """A step of a run, with its node.

    `part` is the suffix of the step's name if the node calls several steps, and `indices` are the
    iterations of the loops around the node.
    """

    node_id: str
    part: str
    indices: tuple[int, ...]
    raw: RawStep

    @property
    def output(self) -> Any:
        """What the step has returned; None if that is not known."""
        try:
            return json.loads(self.raw.get("output") or "null")
        except (TypeError, ValueError, RecursionError):
            return None


class StepOrder:
    """Knows from the tree of a document which steps can follow each other."""

    def __init__(self, ir: WorkflowIR) -> None:
        self._ir = ir

    def loop_count(self, region: int) -> int:
        """Return the number of loops around a region."""
        structure, nodes = self._ir.structure, self._ir.nodes
        owners = (structure.regions[outer].owner for outer in structure.enclosing(region))
        containers = (nodes[owner].type.container for owner in owners)
        return sum(container is not None and container.repeats for container in containers)

    def broken_by(self, call: StepCall) -> list[str]:
        """Return the containers whose first region was aborted by the failure of this step."""
        if call.raw.get("success") is not False and not call.raw.get("error"):
            return []
        return [owner for owner, index, _ in self._sequential_around(call.node_id) if index == 0]

    def can_run(self, call: StepCall, failed: Collection[str]) -> bool:
        """Return whether every handler around the node has something to handle."""
        around = self._sequential_around(call.node_id)
        return all(
            owner in failed for owner, index, is_cleanup in around if index and not is_cleanup
        )

    def _sequential_around(self, id_: str) -> Iterator[tuple[str, int, bool]]:
        """Yield the containers around a node whose regions run one after another.

        With each comes the index of the region that the node is in, and whether it is a cleanup.
        """
        structure = self._ir.structure
        for region_id in structure.enclosing(structure.locations[id_][0]):
            region = structure.regions[region_id]
            if region.owner in structure.sequential:
                container = self._ir.nodes[region.owner].type.container
                is_cleanup = container is not None and region.label in container.cleanup
                yield region.owner, region.index, is_cleanup

    def fits(
        self, call: StepCall, before: Iterable[StepCall | None], after: Iterable[StepCall | None]
    ) -> bool:
        """Return whether the step can have run between its known neighbors."""
        return not any(other and self._conflicts(call, other) for other in before) and not any(
            other and self._conflicts(other, call) for other in after
        )

    def _conflicts(self, call: StepCall, previous: StepCall) -> bool:
        """Return whether `call` cannot have run after `previous` in the same iteration."""
        structure = self._ir.structure
        region, other = (structure.locations[one.node_id][0] for one in (call, previous))
        common = structure.common(region, other)
        loops = self.loop_count(common)
        if call.indices[:loops] != previous.indices[:loops]:
            return False
        is_earlier = structure.precedes(call.node_id, previous.node_id)
        return is_earlier or self._are_alternatives(call.node_id, previous.node_id, common)

    def _are_alternatives(self, first: str, second: str, common: int) -> bool:
        """Return whether the nodes are in different arms, only one of which runs."""
        structure = self._ir.structure
        position, arm = structure.position_in(common, first)
        other_position, other_arm = structure.position_in(common, second)
        if position != other_position or arm == other_arm or arm < 0 or other_arm < 0:
            return False
        owner = self._ir.nodes[structure.regions[arm].owner].type.container
        return owner is not None and owner.alternatives and not structure.precedes(second, first)
