"""Waits in a race: its durable step is given up at its timeout, and a longer one never ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure
from workflows.ir.reading.fields import Duration, length_of
from workflows.ir.reading.problems import Problem, quoted


def check_waits(nodes: Mapping[str, Node], structure: Structure) -> Iterator[Problem]:
    """Yield a problem for each wait that the race around it would always cut short."""
    for node in nodes.values():
        wait = node.type.waits(node.settings) if node.type.waits else None
        if wait is None:
            continue
        for place in structure.outwards(structure.where[node.id][0]):
            race = nodes[structure.places[place].owner]
            limit = _limit(race)
            if limit and _longer(wait, limit):
                message = (
                    f"waits longer than {quoted(race.id)} (race) may take: shorten the wait, or give "
                    "the race a longer timeout"
                )
                yield Problem(path=node.path, message=message, node_id=node.id)
                break


def _limit(node: Node) -> Duration | None:
    container = node.type.container
    return container.in_step(node.settings) if container and container.in_step else None


def _longer(wait: Duration, limit: Duration) -> bool:
    """Whether the wait surely is longer; one that is computed is known when it runs."""
    length, most = length_of(wait), length_of(limit)
    return length is not None and most is not None and length > most
