from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.workflows.ir.documents import document, node
from tests.workflows.programs.harness.workers import names
from tests.workflows.programs.test_loops import ran


def test_a_long_name_leaves_room_for_the_index(tmp_path: Path) -> None:
    drawn = document(
        [node("each", "loop", loopType="times", count=2), node("a", name="x" * 254 + "é🎉")],
        "each a body",
    )

    found = ran(tmp_path, drawn)

    assert [len(name) for name in names(found)] == [247, 247]
    assert names(found)[1].endswith("x [1]")


def test_a_hundred_loops_in_each_other_run(tmp_path: Path) -> None:
    ids = [f"c{depth}" for depth in range(100)]
    loops = [node(id_, "loop", loopType="times", count=1 + (id_ == "c99")) for id_ in ids]
    ways = [f"{one} {other} body" for one, other in pairwise([*ids, "leaf"])]

    found = ran(tmp_path, document([*loops, node("leaf")], *ways))

    assert [name[-6:] for name in names(found)] == ["[0][0]", "[0][1]"]
    assert [len(name) for name in names(found)] == [256, 256]
    assert found["status"] == "complete"


def test_a_node_may_be_called_as_a_loop_calls_its_items(tmp_path: Path) -> None:
    drawn = document(
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

    found = ran(tmp_path, drawn)

    assert found["output"] == ["the node", "the node", ["aa", "bb"], "i in a loop of 0"]
