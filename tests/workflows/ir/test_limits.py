from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from workflows.ir.tree.totals import Totals
from workflows.ir.validation.limits import check_limits, steps_of
from workflows.nodes.documents import parse, parse_valid


def warnings(drawn: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check_limits(parse_valid(drawn))]


def steps(drawn: dict[str, Any]) -> int:
    ir = parse_valid(drawn)
    return Totals(ir.nodes, ir.structure, steps_of).run


def loop(**data: Any) -> dict[str, Any]:
    return document([node("each", "loop", **data), node("a"), node("b")], "each a body", "a b")


COUNTED: dict[str, tuple[dict[str, Any], int]] = {
    "nodes in a row add up, sleeps do not count": (
        chain(node("a"), node("w", "sleep", duration=1000), node("b"),
              node("e", "wait_for_event", eventType="x"), node("h", "http_request", url="http://x")),
        4,
    ),
    "a loop of a number of times multiplies": (loop(loopType="times", count=7), 14),
    "a list that is written out is counted": (loop(collection="[1, 'two', { three: 3 }]"), 6),
    "also where references stand in it": (loop(collection="[{{ trigger.a }}, 2] "), 4),
    "a list with another one spread in it is not known": (loop(collection="[1, ...event.payload]"), 2),
    "a list that is computed counts once": (loop(collection="event.payload"), 2),
    "while goes on to its maximum": (loop(loopType="while", condition="1", maxIterations=9), 18),
    "loops in loops multiply": (
        document([node("x", "loop", loopType="times", count=3),
                  node("y", "loop", loopType="times", count=4), node("a")],
                 "x y body", "y a body"), 12,
    ),
    "of a branch the largest arm counts": (
        document([branch("c", x="1", y=""), node("a"), node("b"), node("d"), node("j")],
                 "c a x", "c b y", "b d", "d j", "a j"), 3,
    ),
    "together with the shared nodes that it leads to": (
        document([branch("c", x="1", y="2", z=""), node("a"), node("s"), node("t"), node("j")],
                 "c a x", "a s", "c s y", "s t", "t j", "c j z"), 4,
    ),
    "arms that run at once add up": (
        document([node("p", "parallel"), node("a"), node("b"), node("j")],
                 "p a x", "p b y", "p j then"), 3,
    ),
    "a race is a step of its own": (
        document([node("r", "race"), node("a"), node("b")], "r a x", "r b y"), 3,
    ),
    "a catch comes on top of its try": (
        document([node("g", "try_catch"), node("a"), node("b"), node("c")],
                 "g a try", "g b catch", "g c finally"), 3,
    ),
    "a child that is not waited for takes two steps": (
        chain(node("k", "sub_workflow", workflowId="x", waitForCompletion=False)), 2,
    ),
    "a child is looked at again and again": (
        chain(node("k", "sub_workflow", workflowId="x", timeout="3 seconds")), 5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_steps_are_counted(case: str) -> None:
    drawn, expected = COUNTED[case]

    assert steps(drawn) == expected


@pytest.mark.parametrize(
    ("count", "said"),
    [(512, ""), (513, "free plan allows 1,024"), (5001, "allows 10,000"), (13_000, "25,000")],
)
def test_a_run_of_too_many_steps_is_told_of_once_at_its_loop(count: int, said: str) -> None:
    found = warnings(loop(loopType="times", count=count))

    assert bool(found) == bool(said)
    for warning in found:
        assert said in warning
        assert warning.startswith("nodes.each: a run can take")


def test_too_many_steps_without_a_loop_are_told_of_at_the_nodes() -> None:
    (warning,) = warnings(chain(*(node(f"n{i}") for i in range(1025))))

    assert warning.startswith("nodes: a run can take 1,025 steps, and Cloudflare's free plan")


def test_a_loop_of_unknown_length_is_named_where_the_count_matters() -> None:
    nodes = [
        node("each", "loop", collection="event.payload"),
        *(node(f"n{i}") for i in range(1025)),
    ]
    edges = ["each n0 body", *(f"n{i} n{i + 1}" for i in range(1024))]

    (warning,) = warnings(document(nodes, *edges))

    assert 'once through "each", which may run more often' in warning


def test_numbers_beyond_all_bounds_stay_short() -> None:
    nodes = [node(f"l{i}", "loop", loopType="times", count=10**9) for i in range(100)]
    edges = [f"l{i} l{i + 1} body" for i in range(99)]

    found = warnings(document([*nodes, node("a", name="a")], *edges, "l99 a body"))

    assert "more than 1,000,000,000 steps" in found[0]
    assert len(found[0]) < 400


def test_a_script_has_no_steps() -> None:
    drawn = chain(*(node(f"n{i}") for i in range(1025)), kind="script", trigger={"type": "http"})

    assert warnings(drawn) == []


def test_more_requests_than_the_free_plan_allows_are_told_of() -> None:
    drawn = document([node("each", "loop", loopType="times", count=51),
                      node("ask", "http_request", url="http://x")], "each ask body")  # fmt: skip

    (warning,) = warnings(drawn)

    assert "nodes.each: a run can send 51 requests" in warning
    assert "free plan allows 50" in warning


@pytest.mark.parametrize(("arms", "warns"), [(6, False), (7, True)])
def test_arms_that_wait_for_a_connection_are_told_of(arms: int, *, warns: bool) -> None:
    asks = [node(f"a{i}", "http_request", url="http://x") for i in range(arms)]
    drawn = document([node("p", "parallel"), *asks], *(f"p a{i} x{i}" for i in range(arms)))

    found = warnings(drawn)

    assert [text.startswith(f"nodes.p: {arms} arms send requests at once") for text in found] == (
        [True] if warns else []
    )


@pytest.mark.parametrize(
    ("name", "in_loop", "cut"),
    [("n" * 256, False, False), ("😀" * 129, False, True), ("n" * 244, True, True)],
)
def test_a_name_that_is_cut_is_told_of(name: str, *, in_loop: bool, cut: bool) -> None:
    long = node("a", name=name)
    drawn = document([node("l", "loop", collection="[1]"), long], "l a body")

    found = warnings(drawn if in_loop else document([long]))

    assert [text.startswith("nodes.a.name: is cut to") for text in found] == ([True] if cut else [])


@pytest.mark.parametrize(("letters", "cut"), [(139, False), (140, True)])
def test_more_loops_than_a_name_has_room_for_cut_no_more_of_it(letters: int, *, cut: bool) -> None:
    nests = [node(f"l{i}", "loop", collection="[1]", indexVar=f"i{i}") for i in range(20)]
    edges = [f"l{i} l{i + 1} body" for i in range(19)]

    found = warnings(document([*nests, node("a", name="n" * letters)], *edges, "l19 a body"))

    assert [("cut to 139 UTF-16 units" in text) for text in found] == ([True] if cut else [])


@pytest.mark.parametrize(
    ("retries", "path"),
    [
        ({"retryLimit": 22, "retryDelay": "10 seconds"}, "data.retryLimit"),
        ({"retryDelay": "100 days", "backoff": "linear"}, "data.retryDelay"),
        ({"retryLimit": 10_000, "retryDelay": "1 hour", "backoff": "constant"}, "data.retryLimit"),
        ({"retryLimit": 21, "retryDelay": "10 seconds"}, ""),
        ({"retryLimit": 10_000, "retryDelay": "0 seconds"}, ""),
        ({"retryLimit": 10_000, "retryDelay": "{{ trigger.delay }}"}, ""),
    ],
)
def test_retries_that_would_wait_for_more_than_a_year_are_told_of(
    retries: dict[str, Any], path: str
) -> None:
    found = parse(document([node("a", **retries)])).problems

    assert [(problem.path, problem.is_error) for problem in found] == (
        [(f"nodes.a.{path}", False)] if path else []
    )


@pytest.mark.parametrize(("letters", "warns"), [(1024 * 1024 - 2, False), (1024 * 1024, True)])
def test_a_payload_that_is_too_large_is_told_of(letters: int, *, warns: bool) -> None:
    given = '"' + "x" * letters + '"'
    found = parse(document([node("k", "sub_workflow", workflowId="x", input=given)])).problems

    assert [problem.path for problem in found] == (["nodes.k.data.input"] if warns else [])


def test_warnings_of_the_document_and_its_limits_come_with_the_module() -> None:
    drawn = loop(loopType="times", count=600)
    drawn["nodes"][1]["data"]["unheard"] = 1

    paths = [problem.path for problem in generated(drawn).problems]

    assert paths == ["nodes.a.data.unheard", "nodes.each"]
