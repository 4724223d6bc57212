"""The contents of folded containers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workflows.ir.document.region_tree import Region, Step


def nodes_inside(root: Region, folded: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids of the nodes inside each folded container, at any depth."""
    found: dict[str, tuple[str, ...]] = {}
    stack = [root] if folded else []
    while stack:
        for step in stack.pop().steps:
            if step.regions and step.node_id in folded:
                found[step.node_id] = tuple(_ids_in(step))
            stack += [*step.regions, *step.shared]
    return found


def _ids_in(step: Step) -> Iterator[str]:
    stack = [*step.regions, *step.shared]
    while stack:
        for inner in stack.pop().steps:
            yield inner.node_id
            stack += [*inner.regions, *inner.shared]
