"""Nodes that can never run, because a `break` before them always leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure
from workflows.ir.reading.problems import Problem, Severity, quoted


def check_dead_ends(nodes: Mapping[str, Node], structure: Structure) -> Iterator[Problem]:
    """Yield a warning for the first node behind each `break` without a condition."""
    leaving = {
        structure.where[node.id]: node
        for node in nodes.values()
        if node.type.leaves and node.type.leaves(node.settings)
    }
    for id_, (place, position) in structure.where.items() if leaving else ():
        left = leaving.get((place, position - 1))
        if left:
            yield Problem(
                path=f"nodes.{id_}",
                message=f"never runs: {quoted(left.id)} before it always leaves; give that a "
                "condition, or remove what follows",
                node_id=id_,
                severity=Severity.WARNING,
            )
