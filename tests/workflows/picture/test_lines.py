"""Which lines of a picture a run has gone along."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import branch, chain, document, node
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


CHOICE = document([branch("if", yes="env.X", no=""), node("work"), node("last")],
                  "if work yes", "if last then")  # fmt: skip
EMPTY_ARM = {("", "back")}
WORK = {("", "work"), ("work", "back")}


@pytest.mark.parametrize(
    ("work", "lines"),
    [
        (NodeState(state=DONE), EMPTY_ARM),
        (NodeState(state=WAITING), EMPTY_ARM | {("work", "back"), ("if", "last"), ("last", "end")}),
        (NodeState(state=State.SKIPPED), WORK),
        (NodeState(state=State.PLAIN), set()),
        (NodeState(state=DONE, iterations=2), set()),
    ],
)
def test_an_arm_without_nodes_is_not_taken_if_another_one_was(
    work: NodeState, lines: set[tuple[str, str]]
) -> None:
    is_waiting = work.state is WAITING
    choice = NodeState(state=work.state if is_waiting else DONE, iterations=work.iterations)
    last = UNREACHED if is_waiting else DONE

    assert faint(CHOICE, work=work, last=last, **{"if": choice}) == lines


def test_a_branch_without_an_else_arm_is_drawn_like_one_with_an_empty_one() -> None:
    ir = document(
        [branch("if", yes="env.X"), node("work"), node("last")], "if work yes", "if last then"
    )

    assert faint(ir, work=DONE, last=DONE, **{"if": DONE}) == EMPTY_ARM
    assert faint(ir, work=State.SKIPPED, last=DONE, **{"if": DONE}) == WORK


def test_an_empty_handler_is_only_taken_after_an_error() -> None:
    ir = document([node("try", "try_catch"), node("work"), node("last")],
                  "try work try", "try last catch", "try last then")  # fmt: skip

    assert faint(ir, work=DONE, last=DONE, **{"try": DONE}) == EMPTY_ARM
    assert EMPTY_ARM.isdisjoint(faint(ir, work=State.FAILED, last=DONE, **{"try": DONE}))


def test_all_arms_of_a_parallel_are_taken() -> None:
    ir = document([node("all", "parallel"), node("work"), node("last")],
                  "all work a", "all last b", "all last then")  # fmt: skip

    assert faint(ir, work=DONE, last=DONE, all=DONE) == set()


def test_the_lines_of_a_draft_are_never_faint() -> None:
    assert faint(LOOP, work=State.PROBLEM, each=State.WARNING) == set()
