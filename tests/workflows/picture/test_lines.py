"""Which lines of a picture a run has gone along."""

from __future__ import annotations

from typing import Any

from tests.workflows.ir.documents import chain, document, node
from workflows.nodes.documents import parse_valid
from workflows.picture.layout import lay_out
from workflows.picture.states import NodeState, State
from workflows.picture.svg import Drawing, is_taken

LOOP = document(
    [node("first"), node("each", "loop", loopType="times", count=3), node("work"), node("last")],
    "first each", "each work body", "each last then",
)  # fmt: skip
DONE, WAITING, UNREACHED = State.DONE, State.WAITING, State.NOT_REACHED


def faint(ir: Any, **states: State | NodeState) -> set[tuple[str, str]]:
    """Return the source and the target of each line that the run has not gone along."""
    workflow = parse_valid(ir)
    nodes = {
        id_: state if isinstance(state, NodeState) else NodeState(state=state)
        for id_, state in states.items()
    }
    layout = lay_out(workflow, node_height=50)
    drawing = Drawing(ir=workflow, layout=layout, states=nodes, uid="p", numbers={})
    return {
        (line.source, line.node_id or ("back" if line.owner else "end"))
        for line in layout.lines
        if not is_taken(drawing, line)
    }


def test_the_line_out_of_a_waiting_node_is_not_taken() -> None:
    ir = chain(node("a"), node("ear", "wait_for_event", eventType="go"))

    assert faint(ir, a=DONE, ear=WAITING) == {("ear", "end")}
    assert faint(ir, a=DONE, ear=DONE) == set()


def test_the_line_out_of_a_failed_node_is_not_taken() -> None:
    assert faint(chain(node("a"), node("b")), a=DONE, b=State.FAILED) == {("b", "end")}


def test_a_loop_that_was_not_reached_has_no_line_back() -> None:
    states = {"first": WAITING, "each": UNREACHED, "work": UNREACHED, "last": UNREACHED}

    assert faint(LOOP, **states) == {
        ("first", "each"), ("", "work"), ("work", "back"), ("each", "last"), ("last", "end"),
    }  # fmt: skip


def test_a_loop_goes_back_after_its_first_iteration() -> None:
    first, second = (NodeState(state=WAITING, iterations=count) for count in (1, 2))
    others = {"first": DONE, "each": WAITING, "last": UNREACHED}
    ahead = {("each", "last"), ("last", "end")}

    assert faint(LOOP, work=first, **others) == {*ahead, ("work", "back")}
    assert faint(LOOP, work=second, **others) == ahead


def test_the_lines_of_a_draft_are_never_faint() -> None:
    assert faint(LOOP, work=State.PROBLEM, each=State.WARNING) == set()
