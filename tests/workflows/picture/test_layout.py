"""The layout of a picture: nothing overlaps or leaves its frame, and nothing is missing."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.graphs import SHAPES
from tests.support.examples import examples
from tests.support.work import counted
from tests.workflows.ir.documents import branch, chain, document, every_type, node
from tests.workflows.ir.tree.graphs import random_document
from tests.workflows.ir.valid_documents import pool
from tests.workflows.programs.harness.programs import ProgramGenerator, document_of
from workflows.ir.document.model import WorkflowIR
from workflows.nodes.documents import parse, parse_valid
from workflows.picture.drawing import render
from workflows.picture.folding import nodes_inside
from workflows.picture.layout import Area, Layout, lay_out
from workflows.picture.svg import TALL


def laid_out(drawn: dict[str, Any]) -> tuple[WorkflowIR, Layout]:
    ir = parse_valid(drawn)
    return ir, lay_out(ir, node_height=TALL)


def test_a_folded_container_is_a_box_with_a_line_out_of_it() -> None:
    loops = [
        node("outer", "loop", loopType="times", count=2),
        node("inner", "loop", loopType="times", count=2),
    ]
    ir = parse_valid(
        document([*loops, node("a"), node("z")], "outer inner body", "inner a body", "outer z then")
    )

    folded = lay_out(ir, node_height=TALL, folded=["outer"])
    half = lay_out(ir, node_height=TALL, folded=["inner"])

    assert (list(folded.boxes), folded.frames) == (["outer", "z"], {})
    assert ("outer", "z") in {(line.source, line.node_id) for line in folded.lines}
    assert (list(half.boxes), list(half.frames)) == (["outer", "inner", "z"], ["outer"])
    assert nodes_inside(ir.structure.root, ["outer", "inner", "z"]) == {
        "outer": ("inner", "a"),
        "inner": ("a",),
    }


def check(drawn: dict[str, Any]) -> None:
    ir, layout = laid_out(drawn)
    assert set(layout.boxes) == set(ir.nodes)
    caps = [layout.start[1], layout.end[1]]
    small = [*layout.boxes.values(), *(area for _, area in layout.tags), *caps]
    whole = Area(x=0, y=0, width=layout.width, height=layout.height)
    for area in (*small, *layout.frames.values()):
        assert _contains(whole, area)
    assert not [pair for pair in combinations(small, 2) if _overlap(*pair)]
    for first, second in combinations(layout.frames, 2):
        _check_frames(ir, layout, first, second)
    for owner, frame in layout.frames.items():
        _check_frame(ir, layout, owner, frame)


def _check_frames(ir: WorkflowIR, layout: Layout, first: str, second: str) -> None:
    """Check that the frames do not overlap, unless one node is inside the other."""
    if ir.structure.is_inside(first, second) or ir.structure.is_inside(second, first):
        return
    assert not _overlap(layout.frames[first], layout.frames[second])


def _check_frame(ir: WorkflowIR, layout: Layout, owner: str, frame: Area) -> None:
    """Check that a frame contains what is inside the container, and nothing else except its box."""
    for id_, box in layout.boxes.items():
        if ir.structure.is_inside(id_, owner):
            assert _contains(frame, box)
            assert id_ not in layout.frames or _contains(frame, layout.frames[id_])
        elif id_ != owner:
            assert not _overlap(frame, box)


def _overlap(first: Area, second: Area) -> bool:
    return (
        first.x < second.x + second.width
        and second.x < first.x + first.width
        and first.y < second.y + second.height
        and second.y < first.y + first.height
    )


def _contains(outer: Area, inner: Area) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


@settings(deadline=None, max_examples=examples(40, 500))
@given(seed=st.integers(0, 2**32), size=st.integers(2, 25), then=st.sampled_from([0.0, 0.3, 0.7]))
def test_nothing_overlaps_in_random_graphs(seed: int, size: int, then: float) -> None:
    drawn = random_document(Random(seed), size=size, then=then)  # noqa: S311 - the same each time
    if parse(drawn).ir:
        check(drawn)


@settings(deadline=None, max_examples=examples(20, 200))
@given(seed=st.integers(0, 2**32))
def test_nothing_overlaps_in_random_nests_of_all_containers(seed: int) -> None:
    program = document_of(ProgramGenerator(Random(seed)).program(depth=4, length=3))  # noqa: S311
    if len(program["nodes"]) < 80 and parse(program).ir:
        check(program)


def test_nothing_overlaps_in_documents_of_every_type() -> None:
    for example in [every_type(), *pool()]:
        check(example)


@pytest.mark.parametrize("shape", SHAPES)
def test_large_graphs_of_every_shape_are_drawn_in_about_linear_time(shape: str) -> None:
    small, large = (parse_valid(SHAPES[shape](size)) for size in (250, 1000))

    _, few = counted(lambda: render(small))
    picture, many = counted(lambda: render(large))

    assert picture
    assert many < 6 * few


def test_a_picture_is_the_same_each_time() -> None:
    assert render(parse_valid(every_type())) == render(parse_valid(every_type()))


def test_a_run_starts_at_the_top_and_ends_at_the_bottom() -> None:
    _, layout = laid_out(every_type())

    ys = [area.y for area in layout.boxes.values()]
    assert layout.start[1].y < min(ys)
    assert layout.end[1].y > max(ys)


def test_a_node_shared_by_arms_is_drawn_once_and_linked() -> None:
    _, layout = laid_out(
        document(
            [branch("b", x="1", y="2", z=""), node("p"), node("s"), node("j")],
            "b p x", "p s", "b s y", "b j z", "s j",
        )
    )  # fmt: skip

    links = [tag.node_id for tag, _ in layout.tags if tag.node_id]
    assert links == ["s", "s"]


def test_no_line_leaves_a_break_without_a_condition() -> None:
    _, layout = laid_out(
        document([branch("b", x="1", y=""), node("out", "break"), node("j")], "b out x", "b j then")
    )

    foot = layout.boxes["out"].y + layout.boxes["out"].height
    middle = layout.boxes["out"].x + layout.boxes["out"].width / 2
    assert (middle, foot) not in [line.points[0] for line in layout.lines]


def test_100_nested_containers_are_drawn() -> None:
    nodes = [branch(f"b{at}", x="1", y="") for at in range(100)]
    edges = [f"b{at} b{at + 1} x" for at in range(99)]

    assert render(parse_valid(document([*nodes, node("end")], *edges, "b99 end x")))


def test_a_workflow_that_is_too_large_has_a_message() -> None:
    picture = render(parse_valid(chain(*(node(f"n{at}") for at in range(2001)))))

    assert not picture
    assert picture.message == "The workflow has 2,001 nodes. Up to 2,000 can be drawn."
