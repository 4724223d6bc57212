"""Nodes whose durable steps would have the name of one that may run at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import Container

# What is left of any name, however many indices follow it: beyond it, names may be cut.
SURELY_KEPT: Final = 120
_INDICES: Final = re.compile(r" (?:\[\d+\])+$")


def shorten(name: str, units: int) -> str:
    """Return as much of the name as fits into so many UTF-16 units, as Cloudflare counts them."""
    if 2 * len(name) <= units:
        return name
    data = name.encode("utf-16-le")[: 2 * max(units, 1)]
    return data.decode("utf-16-le", "ignore")


def clashing_nodes(ir: WorkflowIR) -> set[str]:
    """Return the nodes that need another name than their own.

    Names are compared as the platform will see them: with what tells the steps of one node apart,
    with the indices of loops, which a person may have written too, and cut where they are long.
    """
    groups: dict[str, dict[str, set[str]]] = {}
    for node in ir.nodes.values():
        name = shorten(node.name, SURELY_KEPT)
        plain = _INDICES.sub("", name) if name.endswith("]") else name
        for part in node.type.step_suffixes:
            groups.setdefault(plain + part, {}).setdefault(name + part, set()).add(node.id)
    found: set[str] = set()
    for by_name in groups.values():
        ids = set[str]().union(*by_name.values())
        if len(ids) > 1:
            alike = [ids] if _any_in_loop(ids, ir) else by_name.values()
            found.update(id_ for some in alike for id_ in _at_once(some, ir))
    return found


def _any_in_loop(ids: set[str], ir: WorkflowIR) -> bool:
    return any(around.repeats for id_ in ids for _, around, _ in _around(id_, ir))


def _at_once(ids: set[str], ir: WorkflowIR) -> set[str]:
    """Return those of the nodes that may run at the same time as another one of them.

    The first arm keeps the name; what loses a race goes on beside all that comes after it.
    """
    arms: dict[tuple[str, bool], dict[int, list[str]]] = {}
    for id_ in ids if len(ids) > 1 else ():
        for owner, around, arm in _around(id_, ir):
            if around.concurrent:
                key = owner, around.step_timeout is not None
                arms.setdefault(key, {}).setdefault(arm, []).append(id_)
    found: set[str] = set()
    for (_, is_race), members in arms.items():
        found |= _but_the_first(members, among=ids, is_race=is_race)
    return found


def _but_the_first(members: Mapping[int, list[str]], *, among: set[str], is_race: bool) -> set[str]:
    inside = {id_ for arm in members.values() for id_ in arm}
    if is_race and len(inside) < len(among):
        return inside
    first = min(members)
    return {id_ for arm, some in members.items() if arm != first for id_ in some}


def _around(id_: str, ir: WorkflowIR) -> Iterator[tuple[str, Container, int]]:
    """Yield each container around a node, and the region of it that the node is in."""
    structure = ir.structure
    for place in structure.enclosing(structure.locations[id_][0]):
        owner = structure.regions[place].owner
        container = ir.nodes[owner].type.container
        if container:
            yield owner, container, place
