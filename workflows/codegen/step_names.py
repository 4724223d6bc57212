"""The names of durable steps: those of their nodes, and which ones would be taken for another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.codegen.literals import escaped, literal
from workflows.ir.document import NAME_LENGTH, Node, WorkflowIR
from workflows.ir.limits import ROOM_FOR_INDEX, ROOM_FOR_PART

MOST_IN_A_NAME: Final = 9
HELPER: Final = f"""\
/** A step's name with the indices of many loops, which may leave it little room. */
function stepName(name: string, indices: number[]): string {{
  const counted = ` [${{indices.join("][")}}]`.slice(-{NAME_LENGTH});
  return name.slice(0, {NAME_LENGTH} - counted.length) + counted;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNames:
    """The name of each node's step, before the index of the loops around it.

    The platform counts steps of one name as they are called. In arms that run at once that order may
    be another one when a run is taken up again, and one step would get the other one's result: there,
    a name that several arms have is made unique by the node's id.
    """

    own: Mapping[str, str]

    def expression(self, node: Node, indices: Sequence[str], *, part: str = "") -> str:
        """Return the TypeScript of a name, with the indices of the loops around the node.

        `part` is a variable that holds what follows the name in those of several steps of one node.
        With more than MOST_IN_A_NAME indices it calls HELPER.
        """
        for_indices = ROOM_FOR_INDEX * min(len(indices), MOST_IN_A_NAME)
        room = NAME_LENGTH - for_indices - (ROOM_FOR_PART if part else 0)
        name = shortened(self.own[node.id], room)
        if not indices and not part:
            return literal(name)
        if len(indices) > MOST_IN_A_NAME:
            return f"stepName({literal(name)}{f' + {part}' if part else ''}, [{', '.join(indices)}])"
        counted = "".join(f"[${{{index}}}]" for index in indices)
        blank = " " if indices else ""
        return f"`{escaped(name)}{f'${{{part}}}' if part else ''}{blank}{counted}`"


def shortened(name: str, units: int) -> str:
    """Return as much of the name as fits into so many UTF-16 units, as Cloudflare counts them."""
    if len(name.encode("utf-16-le")) <= 2 * units:
        return name
    data = name.encode("utf-16-le")[: 2 * max(units, 1)]
    return data.decode("utf-16-le", "ignore")


def step_names(ir: WorkflowIR) -> StepNames:
    clashing = _clashing(ir)
    own = {
        id_: f"{shortened(node.name, NAME_LENGTH - len(id_) - 3)} ({id_})"
        if id_ in clashing
        else node.name
        for id_, node in ir.nodes.items()
    }
    return StepNames(own=own)


def _clashing(ir: WorkflowIR) -> set[str]:
    by_name: dict[str, list[str]] = {}
    for node in ir.nodes.values():
        by_name.setdefault(node.name, []).append(node.id)
    shared = (ids for ids in by_name.values() if len(ids) > 1)
    return {id_ for ids in shared for id_ in _among(ids, ir)}


def _among(ids: list[str], ir: WorkflowIR) -> set[str]:
    """Return the nodes of one name that may run at the same time as another one of them.

    The first arm keeps the name; what loses a race goes on beside all that comes after it.
    """
    arms: dict[str, dict[int, list[str]]] = {}
    for id_ in ids:
        for owner, arm in _concurrent_arms(id_, ir):
            arms.setdefault(owner, {}).setdefault(arm, []).append(id_)
    found: set[str] = set()
    for owner, members in arms.items():
        inside = [id_ for arm in members.values() for id_ in arm]
        container = ir.nodes[owner].type.container
        if container and container.in_step and len(inside) < len(ids):
            found.update(inside)
        elif len(members) > 1:
            first = min(members)
            found.update(id_ for arm, some in members.items() if arm != first for id_ in some)
    return found


def _concurrent_arms(id_: str, ir: WorkflowIR) -> Iterator[tuple[str, int]]:
    """Yield each concurrent container around a node, and the arm of it that the node is in."""
    place, _ = ir.structure.where[id_]
    while place:
        here = ir.structure.places[place]
        container = ir.nodes[here.owner].type.container
        if container and container.concurrent:
            yield here.owner, place
        place = here.parent
