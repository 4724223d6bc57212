"""The picture of a document, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.registry import Registry
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse
from workflows.picture.folding import nodes_inside
from workflows.picture.layout import lay_out
from workflows.picture.outline import outline
from workflows.picture.states import NodeState, State
from workflows.picture.svg import SHORT, TALL, Drawing, draw

MAX_NODES: Final = 2_000
INVALID: Final = "There is no picture, because the document has problems. Fix them and save."


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as safe markup: SVG and outline. If there is none, `message` says why."""

    uid: str
    svg: str = ""
    outline: str = ""
    message: str = ""

    def __bool__(self) -> bool:
        return bool(self.svg)


@without_garbage_collection
def render(
    ir: WorkflowIR,
    states: Mapping[str, NodeState] | None = None,
    *,
    uid: str = "picture",
    is_editable: bool = False,
    placeholders: Collection[str] = (),
    folded: Collection[str] | None = None,
    hints: Mapping[str, str] | None = None,
) -> Picture:
    """Draw a document with the states of its nodes; `uid` is the prefix of all HTML ids.

    With `is_editable`, there is a mark wherever a node can be added; `placeholders` are nodes that
    the first added node replaces. `folded` are containers whose contents are not drawn; None if
    containers cannot be folded. `hints` are words for the titles of nodes.
    """
    if len(ir.nodes) > MAX_NODES:
        message = f"The workflow has {len(ir.nodes):,} nodes. Up to {MAX_NODES:,} can be drawn."
        return Picture(uid=uid, message=message)
    states = states or {}
    is_run = not all(node.state.is_mark for node in states.values())
    layout = lay_out(
        ir, node_height=TALL if is_run else SHORT, is_editable=is_editable, folded=folded or ()
    )
    drawing = Drawing(
        ir=ir,
        layout=layout,
        states=states,
        uid=uid,
        numbers={id_: number for number, id_ in enumerate(ir.nodes)},
        is_editable=is_editable,
        placeholders=placeholders,
        is_foldable=folded is not None,
        inside=nodes_inside(ir.structure.root, folded or ()),
        hints=hints or {},
    )
    if drawing.is_foldable:  # the editor has an outline of its own
        return Picture(uid=uid, svg=draw(drawing))
    return Picture(uid=uid, svg=draw(drawing), outline=outline(drawing))


def picture_of(
    document: object,
    types: Registry = NODE_TYPES,
    *,
    base: str | None = None,
    problems: Mapping[str, State] | None = None,
    uid: str = "picture",
) -> Picture:
    """Draw any JSON value; one that is not a valid document gives a message.

    Each node links to `base` followed by its id; without `base` there are no links. `problems` are
    marks of nodes by id; warnings about the document are added to them.
    """
    parsed = parse(document, types)
    if parsed.ir is None:
        return Picture(uid=uid, message=INVALID)
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
