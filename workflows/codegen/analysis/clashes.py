"""Finds nodes whose durable steps share a name and may run at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container

# Names may be cut to make room for indices, but this much of them always remains.
ALWAYS_KEPT: Final = 120
_COUNTED: Final = re.compile(r"(?: \(attempt [0-9]+\))*(?: (?:\[[0-9]+\])+)?$")


def shorten(name: str, units: int) -> str:
    """Cut the name to a number of UTF-16 units, which is how Cloudflare counts."""
    if 2 * len(name) <= units:
        return name
    data = name.encode("utf-16-le")[: 2 * max(units, 1)]
    return data.decode("utf-16-le", "ignore")


def clashing_nodes(ir: WorkflowIR) -> set[str]:
    """Return the nodes whose steps need a unique name.

    Names are compared as the platform sees them: with the suffixes of a node's several steps, with
    the attempts of races and the indices of loops (which users may also write themselves), and cut
    if they are long.
    """
    groups: dict[str, dict[str, set[str]]] = {}
    for node in ir.nodes.values():
        name = shorten(node.name, ALWAYS_KEPT)
        plain = _COUNTED.sub("", name) if name.endswith(("]", ")")) else name
        for part in node.type.step_suffixes:
            groups.setdefault(plain + part, {}).setdefault(name + part, set()).add(node.id)
    clashes: set[str] = set()
    for by_name in groups.values():
        ids = set[str]().union(*by_name.values())
        if len(ids) > 1:
            same_names = [ids] if _any_repeated(ids, ir) else by_name.values()
            clashes.update(id_ for same in same_names for id_ in _concurrent(same, ir))
    return clashes


def _any_repeated(ids: set[str], ir: WorkflowIR) -> bool:
    """Return whether a loop or a race that is retried adds a number to one of the names."""
    return any(
        container.repeats or _is_retried(container, ir.nodes[owner])
        for id_ in ids
        for owner, container, _ in _containers(id_, ir)
    )


def _is_retried(container: Container, node: Node) -> bool:
    return container.max_iterations is not None and container.max_iterations(node.settings) != 1


def _concurrent(ids: set[str], ir: WorkflowIR) -> set[str]:
    """Return the nodes that may run at the same time as another one of them.

    The nodes of the first arm keep their name, except in a race: arms that lost keep running
    alongside everything after the race.
    """
    arms: dict[tuple[str, bool], dict[int, list[str]]] = {}
    for id_ in ids if len(ids) > 1 else ():
        for owner, container, arm in _containers(id_, ir):
            if container.concurrent:
                key = owner, container.step_timeout is not None
                arms.setdefault(key, {}).setdefault(arm, []).append(id_)
    return {
        id_
        for (_, is_race), members in arms.items()
        for id_ in _after_first_arm(members, among=ids, is_race=is_race)
    }


def _after_first_arm(
    members: Mapping[int, list[str]], *, among: set[str], is_race: bool
) -> set[str]:
    inside = {id_ for arm in members.values() for id_ in arm}
    if is_race and len(inside) < len(among):
        return inside
    first = min(members)
    return {id_ for arm, nodes in members.items() if arm != first for id_ in nodes}


def _containers(id_: str, ir: WorkflowIR) -> Iterator[tuple[str, Container, int]]:
    """Yield each container around a node: its id, itself, and its region that holds the node."""
    structure = ir.structure
    for region_id in structure.enclosing(structure.locations[id_][0]):
        owner = structure.regions[region_id].owner
        container = ir.nodes[owner].type.container
        if container:
            yield owner, container, region_id
