from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.workflows.ir.documents import Document, branch, document, node
from tests.workflows.ir.tree.graphs import random_choices, random_document
from tests.workflows.ir.walker import Walker
from tests.workflows.programs.harness.workers import (
    Run,
    compiled,
    names,
    outputs,
    run_all,
    run_document,
)
from workflows.nodes.documents import parse


def test_the_body_sees_the_item_and_its_index_in_code_text_and_json(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", collection="{{ trigger.orders }}", itemVar="order", indexVar="at"),
            node("show", code="return `${order.id} at ${at} of {{ order.id }}` + {{ order.id }};"),
            node("until", "sleep", duration="{{ order.pause }}"),
        ],
        "each show body", "show until",
    )  # fmt: skip

    run = run_document(
        tmp_path, workflow, {"orders": [{"id": 7, "pause": 1}, {"id": 8, "pause": 2}]}
    )

    assert names(run) == ["show [0]", "until [0]", "show [1]", "until [1]"]
    assert run["output"] == {"results": ["7 at 0 of {{ order.id }}7", "8 at 1 of {{ order.id }}8"]}


def test_nested_loops_count_separately_even_with_the_same_names(tmp_path: Path) -> None:
    workflow = document(
        [
            node("outer", "loop", loopType="times", count=2),
            node("inner", "loop", collection="['a', 'b']"),
            node("leaf", code="return item + i;"),
            node("last", code="return i;"),
        ],
        "outer inner body", "inner leaf body", "inner last then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == [
        "leaf [0][0]", "leaf [0][1]", "last [0]", "leaf [1][0]", "leaf [1][1]", "last [1]",
    ]  # fmt: skip
    assert outputs(run)["leaf [1][1]"] == "b1"
    assert run["output"] == {"results": [0, 1]}


@pytest.mark.long
def test_an_inner_loop_can_iterate_over_the_outer_item_of_the_same_name(
    tmp_path: Path,
) -> None:
    workflow = document(
        [
            node("outer", "loop", collection="[{ list: ['a', 'b'] }, { list: ['c'] }]"),
            node("inner", "loop", collection="item.list"),
            node("leaf", code="return item + i;"),
            node("again", "loop", collection="[{{ i }}]"),
            node("last", code="return item;"),
        ],
        "outer inner body", "inner leaf body", "inner again then", "again last body",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == [
        "leaf [0][0]", "leaf [0][1]", "last [0][0]", "leaf [1][0]", "last [1][0]",
    ]  # fmt: skip
    assert outputs(run)["leaf [0][1]"] == "b1"
    assert outputs(run)["leaf [1][0]"] == "c0"
    assert run["output"] == {"results": [{"results": [0]}, {"results": [1]}]}


def test_a_while_loop_reads_values_of_its_body_and_a_join_in_it_runs_each_time(
    tmp_path: Path,
) -> None:
    workflow = document(
        [
            node("poll", "loop", loopType="while", condition="i < 5 && !ask?.done && {{ i }} >= 0"),
            node("ask", code="return { done: i === 2 };"),
            branch("is_done", yes="ask.done", no=""),
            node("note", code="return 'noted';"),
            node("joined", code="return note ?? 'nothing';"),
            node("after", code="return [poll.results, ask.done, note];"),
        ],
        "poll ask body", "ask is_done", "is_done note yes", "is_done joined no", "note joined",
        "poll after then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert outputs(run)["after"] == [["nothing", "nothing", "noted"], True, "noted"]


@pytest.mark.long
def test_a_value_of_the_last_iteration_is_not_visible_in_the_next(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="times", count=2),
            branch("first", yes="i === 0"),
            node("charge", code="return 'charged';"),
            node("joined", code="return charge ?? 'not charged';"),
            node("after", code="return charge ?? 'not the last time';"),
        ],
        "each first body", "first charge yes", "first joined then", "each after then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert outputs(run)["joined [1]"] == "not charged"
    assert run["output"] == "not the last time"


@pytest.mark.long
def test_an_endless_loop_fails_and_names_itself(tmp_path: Path) -> None:
    workflow = document(
        [
            node("poll", "loop", name='Ask "again"', loopType="while", condition="true",
                 maxIterations=3),
            node("ask"),
        ],
        "poll ask body",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["ask [0]", "ask [1]", "ask [2]"]
    assert run["error"]["message"] == '"Ask \\"again\\"" exceeded the maximum of 3 iterations'


@pytest.mark.long
def test_a_loop_without_a_list_fails_and_shows_the_value(tmp_path: Path) -> None:
    workflow = document(
        [node("each", "loop", collection="{{ trigger.none }}"), node("a")], "each a body"
    )

    run = run_document(tmp_path, workflow, {"none": {"a": 1}})

    assert run["error"]["message"] == '"each" needs a list, but got {"a":1}'


def test_a_retry_in_a_loop_does_not_repeat_finished_steps(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="times", count=3),
            node("before", code="return i;"),
            node(
                "shaky",
                code="if (i === 1 && ctx.attempt < 3) throw new Error('again'); return ctx.attempt;",
                retryDelay=1,
                retryLimit=4,
            ),
        ],
        "each before body", "before shaky",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert run["output"] == {"results": [1, 3, 1]}
    assert [(step["name"], len(step["attempts"])) for step in run["steps"]] == [
        ("before [0]-1", 1), ("shaky [0]-1", 1), ("before [1]-1", 1), ("shaky [1]-1", 3),
        ("before [2]-1", 1), ("shaky [2]-1", 1),
    ]  # fmt: skip


def test_a_break_only_ends_the_innermost_loop_wherever_it_is(tmp_path: Path) -> None:
    workflow = document(
        [
            node("outer", "loop", loopType="times", count=2, indexVar="o"),
            node("inner", "loop", loopType="times", count=9),
            node("look", code="return [o, i];"),
            node("both", "parallel"),
            node("guard", "try_catch"),
            node("stop", "break", condition="i === 1"),
            node("handle"),
            node("tidy"),
            node("beside"),
            node("never", code="return 'after the break';"),
        ],
        "outer inner body", "inner look body", "look both", "both guard x", "both beside y",
        "guard stop try", "guard handle catch", "guard tidy finally", "both never then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    rounds = ["look", "tidy", "beside", "never"], ["look", "tidy", "beside"]
    expected = [f"{name} [{o}][{i}]" for o in (0, 1) for i in (0, 1) for name in rounds[i]]
    assert sorted(names(run)) == sorted(expected)
    beside = {"from": "beside"}
    assert run["output"]["results"][1] == {"results": ["after the break", [None, beside]]}


def test_a_break_outside_loops_ends_the_run_with_the_last_value(tmp_path: Path) -> None:
    workflow = document(
        [node("a"), branch("b", yes="event.payload.stop"), node("leave", "break"), node("c")],
        "a b", "b leave yes", "b c then",
    )  # fmt: skip
    runs = [Run(workflow="Flow", params={"stop": stop}) for stop in (True, False)]

    stopped, whole = run_all(compiled({"Flow": workflow}, tmp_path), runs)

    assert (names(stopped), stopped["output"]) == (["a"], {"from": "a"})
    assert (names(whole), whole["output"]) == (["a", "c"], {"from": "c"})


@pytest.mark.long
def test_each_iteration_of_a_loop_waits_separately(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="times", count=1),
            node("answer", "wait_for_event", eventType="answer", timeout="1 minute"),
            node("nap", "sleep", duration=5),
            node("use", code="return answer.payload.text;"),
        ],
        "each answer body", "answer nap", "nap use",
    )  # fmt: skip
    event = {"type": "answer", "payload": {"text": "yes"}}

    run = run_all(compiled({"Waits": workflow}, tmp_path), [Run(workflow="Waits", event=event)])[0]

    assert names(run) == ["answer [0]", "nap [0]", "use [0]"]
    assert run["output"] == {"results": ["yes"]}


def test_whole_graphs_run_the_same_in_bodies_and_arms(tmp_path: Path) -> None:
    random = Random(20261126)  # noqa: S311 - the same graphs each time
    graphs = {f"Graph{index}": _valid_document(random) for index in range(15)}
    choices = {name: random_choices(random, graph) for name, graph in graphs.items()}
    workflows = {name: _inside(graph) for name, graph in graphs.items()}

    results = run_all(
        compiled(workflows, tmp_path),
        [Run(workflow=name, params=choices[name]) for name in workflows],
    )

    for (name, graph), run in zip(graphs.items(), results, strict=True):
        alone = Walker(graph, choices[name]).steps()
        repeated = [f"{step} [{index}]" for index in (0, 1) for step in alone]
        assert sorted(names(run)) == sorted([*repeated, "beside [0]", "beside [1]", "after"])


def _valid_document(random: Random) -> Document:
    while True:
        workflow = random_document(random, size=random.randint(5, 9), then=0.3)
        if parse(workflow).ir is not None:
            return workflow


def _inside(graph: Document) -> Document:
    around = [
        node("each", "loop", loopType="times", count=2), node("both", "parallel"),
        node("beside"), node("after"),
    ]  # fmt: skip
    edges = [
        {"id": f"{source}-{target}", "source": source, "target": target, "label": label}
        for source, target, label in (
            ("each", "both", "body"), ("both", graph["entryNodeId"], "graph"),
            ("both", "beside", "other"), ("each", "after", "then"),
        )
    ]  # fmt: skip
    nodes = [*around, *graph["nodes"]]
    return graph | {"nodes": nodes, "edges": [*graph["edges"], *edges], "entryNodeId": "each"}


@pytest.mark.long
def test_a_while_loop_without_a_condition_runs_until_a_break(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="while"), node("turn", code="return i;"),
            node("leave", "break", condition="i === 2"), node("after", code="return each.results;"),
        ],
        "each turn body", "turn leave", "each after then",
    )  # fmt: skip

    assert run_document(tmp_path, workflow)["output"] == [0, 1, 2]


@pytest.mark.long
def test_a_long_name_leaves_room_for_the_index(tmp_path: Path) -> None:
    workflow = document(
        [node("each", "loop", loopType="times", count=2), node("a", name="x" * 254 + "é🎉")],
        "each a body",
    )

    run = run_document(tmp_path, workflow)

    assert [len(name) for name in names(run)] == [247, 247]
    assert names(run)[1].endswith("x [1]")


@pytest.mark.long
def test_a_hundred_nested_loops_run(tmp_path: Path) -> None:
    ids = [f"c{depth}" for depth in range(100)]
    loops = [node(id_, "loop", loopType="times", count=1 + (id_ == "c99")) for id_ in ids]
    edges = [f"{outer} {inner} body" for outer, inner in pairwise([*ids, "leaf"])]

    run = run_document(tmp_path, document([*loops, node("leaf")], *edges))

    assert [name[-6:] for name in names(run)] == ["[0][0]", "[0][1]"]
    assert [len(name) for name in names(run)] == [256, 256]
    assert run["status"] == "complete"


@pytest.mark.long
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
