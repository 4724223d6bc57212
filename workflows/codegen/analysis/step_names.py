"""The names of durable steps: their nodes' names, made unique where they could be confused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.codegen.analysis.clashes import clashing_nodes, shorten
from workflows.codegen.text.literals import escaped, literal
from workflows.ir.document.model import NAME_LENGTH, Node, WorkflowIR
from workflows.ir.validation.limits import INDEX_LENGTH, MAX_NAME_INDICES, MAX_PARTS, SUFFIX_LENGTH

MAX_ID_LENGTH: Final = 40
HELPER: Final = f"""\
/** A step's name with the indices of many loops, cut to the longest allowed name. */
function stepName(name: string, indices: number[]): string {{
  const counted = ` [${{indices.join("][")}}]`.slice(-{NAME_LENGTH});
  return name.slice(0, {NAME_LENGTH} - counted.length) + counted;
}}
"""


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
    clashes = clashing_nodes(ir)
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
