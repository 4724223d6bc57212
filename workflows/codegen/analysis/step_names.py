"""The names of durable steps: their nodes' names, made unique where they could be confused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.codegen.text.literals import escaped, literal
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container
from workflows.ir.reading.names import NAME_LENGTH
from workflows.ir.validation.limits import INDEX_LENGTH, MAX_NAME_INDICES, MAX_PARTS, SUFFIX_LENGTH

# Names may be cut to make room for indices, but at least this much of each name remains.
ALWAYS_KEPT: Final = 120
_COUNTED: Final = re.compile(r"(?: \(attempt [0-9]+\))*(?: (?:\[[0-9]+\])+)?$")

MAX_ID_LENGTH: Final = 40
HELPER: Final = f"""\
/** A step's name with the indices of many loops, cut to the longest allowed name. */
function stepName(name: string, indices: number[]): string {{
  const counted = ` [${{indices.join("][")}}]`.slice(-{NAME_LENGTH});
  return name.slice(0, {NAME_LENGTH} - counted.length) + counted;
}}
"""


def shorten(name: str, units: int) -> str:
    """Cut the name to a number of UTF-16 units, which is how Cloudflare counts."""
    if 2 * len(name) <= units:
        return name
    data = name.encode("utf-16-le")[: 2 * max(units, 1)]
    return data.decode("utf-16-le", "ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNames:
    """The name of each node's step, before the index of the loops around it.

    The platform numbers steps with the same name in the order of their calls. Between concurrent
    arms, that order may differ when a run is resumed, and a step would get another step's result.
    There, the node's id makes a shared name unique.
    """

    suffixes: Mapping[str, str]

    def expression(
        self, node: Node, indices: Sequence[str], *, parts: Sequence[str] = (), suffix: str = ""
    ) -> str:
        """Return the TypeScript of a name, with the indices of the loops around the node.

        `suffix` and the variables `parts` distinguish several steps of one node. The
        expression calls HELPER if there are more than MAX_NAME_INDICES indices.
        """
        for_indices = INDEX_LENGTH * min(len(indices), MAX_NAME_INDICES)
        count = len(parts) + bool(suffix)
        room = NAME_LENGTH - for_indices - SUFFIX_LENGTH * min(count, MAX_PARTS)
        by_id = self.suffixes.get(node.id, "")
        name = shorten(node.name, room - len(by_id)) + by_id + suffix
        if not indices and not parts:
            return literal(name)
        variables = "".join(f"${{{part}}}" for part in parts)
        if len(indices) > MAX_NAME_INDICES:
            return f"stepName(`{escaped(name)}{variables}`, [{', '.join(indices)}])"
        counted = "".join(f"[${{{index}}}]" for index in indices)
        blank = " " if indices else ""
        return f"`{escaped(name)}{variables}{blank}{counted}`"


def step_names(ir: WorkflowIR) -> StepNames:
    """Choose suffixes for the nodes whose steps need a unique name."""
    clashes = _clashing_nodes(ir)
    taken = {node.name for node in ir.nodes.values()} if clashes else set()
    suffixes: dict[str, str] = {}
    for node in (ir.nodes[id_] for id_ in ir.nodes if id_ in clashes):
        suffixes[node.id] = _suffix(node, taken)
        taken |= {suffixes[node.id], node.name + suffixes[node.id]}
    return StepNames(suffixes=suffixes)


def _suffix(node: Node, taken: Collection[str]) -> str:
    """Return a suffix that makes the name unique, even if ids are long or the suffix is taken."""
    suffix = f" ({shorten(node.id, MAX_ID_LENGTH)})"
    while suffix in taken or node.name + suffix in taken:
        suffix += "'"
    return suffix


def _clashing_nodes(ir: WorkflowIR) -> set[str]:
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
    """Return whether a loop or a retried race adds a number to one of the names."""
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
