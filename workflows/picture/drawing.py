"""The picture of a document, or the sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.registry import Registry
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse
from workflows.picture.layout import lay_out
from workflows.picture.outline import outline
from workflows.picture.states import NodeState, State
from workflows.picture.svg import HIGH, LOW, Drawing, draw

MOST: Final = 2_000
_MARKS: Final = (State.PLAIN, State.PROBLEM, State.WARNING)
INVALID: Final = "There is no picture yet: the document has problems. Correct them and save."


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """SVG and outline are markup that is safe; both are "" where `sentence` says why."""

    uid: str
    svg: str = ""
    outline: str = ""
    sentence: str = ""

    def __bool__(self) -> bool:
        return bool(self.svg)


@without_garbage_collection
def render(
    ir: WorkflowIR, states: Mapping[str, NodeState] | None = None, *, uid: str = "picture"
) -> Picture:
    """Draw the tree of a document with what became of each node; `uid` begins every id."""
    if len(ir.nodes) > MOST:
        said = f"The workflow has {len(ir.nodes):,} nodes; up to {MOST:,} are drawn."
        return Picture(uid=uid, sentence=said)
    told = states or {}
    is_run = any(one.state not in _MARKS for one in told.values())
    layout = lay_out(ir, node_height=HIGH if is_run else LOW)
    numbers = {id_: number for number, id_ in enumerate(ir.nodes)}
    drawing = Drawing(ir=ir, layout=layout, states=told, uid=uid, numbers=numbers)
    return Picture(uid=uid, svg=draw(drawing), outline=outline(drawing))


def picture_of(
    document: object,
    types: Registry = NODE_TYPES,
    *,
    base: str | None = None,
    problems: Mapping[str, State] | None = None,
    uid: str = "picture",
) -> Picture:
    """Draw any JSON value; what is no valid document gives a sentence.

    Each node leads to the address `base` with its id at the end, to nothing where that is None.
    `problems` are the nodes that are marked; warnings about the document are added.
    """
    parsed = parse(document, types)
    if parsed.ir is None:
        return Picture(uid=uid, sentence=INVALID)
    marks = {problem.node_id: State.WARNING for problem in parsed.problems if problem.node_id}
    marks |= problems or {}
    states = {
        id_: NodeState(
            state=marks.get(id_, State.PLAIN),
            href="" if base is None else base + quote(id_, safe=""),
        )
        for id_ in parsed.ir.nodes
    }
    return render(parsed.ir, states, uid=uid)
