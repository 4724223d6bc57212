"""Checks that need the tree: nodes that can never run, and what is not possible inside a race."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure
from workflows.ir.document.step_policy import ROLLBACK_PATH, rollback_of
from workflows.ir.reading.fields import Duration, milliseconds_of
from workflows.ir.reading.problems import Problem, Severity, quoted


def check_unreachable(nodes: Mapping[str, Node], structure: Structure) -> Iterator[Problem]:
    """Yield a warning for the first node after each `break` without a condition."""
    breaks = {
        structure.locations[node.id]: node
        for node in nodes.values()
        if node.type.breaks and node.type.breaks(node.settings)
    }
    for id_, (region_id, position) in structure.locations.items() if breaks else ():
        previous = breaks.get((region_id, position - 1))
        if previous:
            yield Problem(
                path=f"nodes.{id_}",
                message=f"never runs, because {quoted(previous.id)} before it always breaks: give "
                "that node a condition, or remove this one",
                node_id=id_,
                severity=Severity.WARNING,
            )


def check_race_waits(nodes: Mapping[str, Node], structure: Structure) -> Iterator[Problem]:
    """Yield a problem for each wait that is longer than the timeout of a race around it."""
    for node in nodes.values():
        wait = node.type.max_wait(node.settings) if node.type.max_wait else None
        if wait is None:
            continue
        for region_id in structure.enclosing(structure.locations[node.id][0]):
            race = nodes[structure.regions[region_id].owner]
            timeout = _step_timeout(race)
            if timeout and _is_longer(wait, timeout):
                message = (
                    f"waits longer than the timeout of {quoted(race.id)} (race): shorten the wait, "
                    "or increase the timeout of the race"
                )
                yield Problem(path=node.path, message=message, node_id=node.id)
                break


def check_race_rollbacks(nodes: Mapping[str, Node], structure: Structure) -> Iterator[Problem]:
    """Yield a problem for each rollback inside a race, which the platform could not run later.

    A race is one step: once it has ended, its arms are not run again, not even to find their rollbacks.
    """
    for node in nodes.values():
        if rollback_of(node.settings) is None:
            continue
        owners = (
            nodes[structure.regions[region_id].owner]
            for region_id in structure.enclosing(structure.locations[node.id][0])
        )
        race = next(filter(_step_timeout, owners), None)
        if race:
            message = (
                f"cannot be run, because the node is in {quoted(race.id)} (race): undo the work in a "
                "node after the race instead"
            )
            yield Problem(path=f"{node.path}.{ROLLBACK_PATH}", message=message, node_id=node.id)


def _step_timeout(node: Node) -> Duration | None:
    container = node.type.container
    return container.step_timeout(node.settings) if container and container.step_timeout else None


def _is_longer(wait: Duration, timeout: Duration) -> bool:
    """Whether the wait is certainly longer; the length of a duration with references is unknown."""
    length, limit = milliseconds_of(wait), milliseconds_of(timeout)
    return length is not None and limit is not None and length > limit
