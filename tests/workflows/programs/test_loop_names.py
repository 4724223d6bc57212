from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.workflows.ir.documents import document, node
from tests.workflows.programs.harness.workers import names, run_document


def test_a_long_name_leaves_room_for_the_index(tmp_path: Path) -> None:
    workflow = document(
        [node("each", "loop", loopType="times", count=2), node("a", name="x" * 254 + "é🎉")],
        "each a body",
    )

    run = run_document(tmp_path, workflow)

    assert [len(name) for name in names(run)] == [247, 247]
    assert names(run)[1].endswith("x [1]")


def test_a_hundred_nested_loops_run(tmp_path: Path) -> None:
    ids = [f"c{depth}" for depth in range(100)]
    loops = [node(id_, "loop", loopType="times", count=1 + (id_ == "c99")) for id_ in ids]
    edges = [f"{outer} {inner} body" for outer, inner in pairwise([*ids, "leaf"])]

    run = run_document(tmp_path, document([*loops, node("leaf")], *edges))

    assert [name[-6:] for name in names(run)] == ["[0][0]", "[0][1]"]
    assert [len(name) for name in names(run)] == [256, 256]
    assert run["status"] == "complete"


def test_a_node_may_have_the_name_of_a_loop_item(tmp_path: Path) -> None:
    workflow = document(
        [
            node("item", code="return 'the node';"),
            node("each", "loop", collection="['a', 'b']"),
            node("inside", code="return item + {{ item }};"),
            node("after", code="return [item, {{ item }}, each.results, {{ i }}];"),
            node("times", "loop", loopType="times", count=1),
            node("i", code="return `i in a loop of ${i}`;"),
        ],
        "item each", "each inside body", "each times then", "times i body", "times after then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert run["output"] == ["the node", "the node", ["aa", "bb"], "i in a loop of 0"]
