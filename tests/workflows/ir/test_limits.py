from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from workflows.ir.tree.totals import Totals
from workflows.ir.validation.limits import check_limits, steps_of
from workflows.nodes.documents import parse, parse_valid


def warnings(ir_document: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check_limits(parse_valid(ir_document))]


def steps(ir_document: dict[str, Any]) -> int:
    ir = parse_valid(ir_document)
    return Totals(ir.nodes, ir.structure, steps_of).run


def loop(**data: Any) -> dict[str, Any]:
    return document([node("each", "loop", **data), node("a"), node("b")], "each a body", "a b")


COUNTED: dict[str, tuple[dict[str, Any], int]] = {
    "consecutive nodes add up, without sleeps": (
        chain(node("a"), node("w", "sleep", duration=1000), node("b"),
              node("e", "wait_for_event", eventType="x"), node("h", "http_request", url="http://x")),
        4,
    ),
    "a loop with a count multiplies": (loop(loopType="times", count=7), 14),
    "a list literal is counted": (loop(collection="[1, 'two', { three: 3 }]"), 6),
    "even with references in it": (loop(collection="[{{ trigger.a }}, 2] "), 4),
    "a list with a spread counts once": (loop(collection="[1, ...event.payload]"), 2),
    "a computed list counts once": (loop(collection="event.payload"), 2),
    "a while loop counts with its maximum": (loop(loopType="while", condition="1", maxIterations=9), 18),
    "nested loops multiply": (
        document([node("x", "loop", loopType="times", count=3),
                  node("y", "loop", loopType="times", count=4), node("a")],
                 "x y body", "y a body"), 12,
    ),
    "the largest arm of a branch counts": (
        document([branch("c", x="1", y=""), node("a"), node("b"), node("d"), node("j")],
                 "c a x", "c b y", "b d", "d j", "a j"), 3,
    ),
    "including the shared nodes that it leads to": (
        document([branch("c", x="1", y="2", z=""), node("a"), node("s"), node("t"), node("j")],
                 "c a x", "a s", "c s y", "s t", "t j", "c j z"), 4,
    ),
    "concurrent arms add up": (
        document([node("p", "parallel"), node("a"), node("b"), node("j")],
                 "p a x", "p b y", "p j then"), 3,
    ),
    "a race is a step itself": (
        document([node("r", "race"), node("a"), node("b")], "r a x", "r b y"), 3,
    ),
    "try and catch add up": (
        document([node("g", "try_catch"), node("a"), node("b"), node("c")],
                 "g a try", "g b catch", "g c finally"), 3,
    ),
    "a child without waiting takes two steps": (
        chain(node("k", "sub_workflow", workflowId="x", waitForCompletion=False)), 2,
    ),
    "a list is started in batches, after a step for the ids": (
        chain(node("k", "start_many", workflowId="x", items=f"[{', '.join('1' * 201)}]")), 4,
    ),
    "a list of unknown length counts as one batch": (
        chain(node("k", "start_many", workflowId="x", items="event.payload", id="item")), 1,
    ),
    "a child is checked repeatedly": (
        chain(node("k", "sub_workflow", workflowId="x", timeout="3 seconds")), 5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_steps_are_counted(case: str) -> None:
    ir_document, expected = COUNTED[case]

    assert steps(ir_document) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(512, ""), (513, "free plan allows 1,024"), (5001, "allows 10,000"), (13_000, "25,000")],
)
def test_too_many_steps_are_reported_once_on_the_loop(count: int, expected: str) -> None:
    messages = warnings(loop(loopType="times", count=count))

    assert bool(messages) == bool(expected)
    for warning in messages:
        assert expected in warning
        assert warning.startswith("nodes.each: a run can take")


def test_too_many_steps_without_a_loop_are_reported_on_the_nodes() -> None:
    (warning,) = warnings(chain(*(node(f"n{i}") for i in range(1025))))

    assert warning.startswith("nodes: a run can take 1,025 steps, but Cloudflare's free plan")


def test_the_warning_names_a_loop_of_unknown_length() -> None:
    nodes = [
        node("each", "loop", collection="event.payload"),
        *(node(f"n{i}") for i in range(1025)),
    ]
    edges = ["each n0 body", *(f"n{i} n{i + 1}" for i in range(1024))]

    (warning,) = warnings(document(nodes, *edges))

    assert 'this counts one iteration of "each", which may have more' in warning


def test_huge_numbers_are_shortened() -> None:
    nodes = [node(f"l{i}", "loop", loopType="times", count=10**9) for i in range(100)]
    edges = [f"l{i} l{i + 1} body" for i in range(99)]

    messages = warnings(document([*nodes, node("a", name="a")], *edges, "l99 a body"))

    assert "more than 1,000,000,000 steps" in messages[0]
    assert len(messages[0]) < 400


def test_a_script_has_no_steps() -> None:
    ir_document = chain(
        *(node(f"n{i}") for i in range(1025)), kind="script", trigger={"type": "http"}
    )

    assert warnings(ir_document) == []


def test_there_is_a_warning_for_more_requests_than_the_free_plan_allows() -> None:
    ir_document = document([node("each", "loop", loopType="times", count=51),
                      node("ask", "http_request", url="http://x")], "each ask body")  # fmt: skip

    (warning,) = warnings(ir_document)

    assert "nodes.each: a run can send 51 requests" in warning
    assert "free plan allows 50" in warning


@pytest.mark.parametrize(("arms", "warns"), [(6, False), (7, True)])
def test_there_is_a_warning_for_arms_that_wait_for_a_connection(arms: int, *, warns: bool) -> None:
    asks = [node(f"a{i}", "http_request", url="http://x") for i in range(arms)]
    ir_document = document([node("p", "parallel"), *asks], *(f"p a{i} x{i}" for i in range(arms)))

    messages = warnings(ir_document)

    assert [
        text.startswith(f"nodes.p: {arms} arms send requests at the same time") for text in messages
    ] == ([True] if warns else [])


@pytest.mark.parametrize(
    ("name", "in_loop", "cut"),
    [("n" * 256, False, False), ("😀" * 129, False, True), ("n" * 244, True, True)],
)
def test_there_is_a_warning_for_a_name_that_is_cut(name: str, *, in_loop: bool, cut: bool) -> None:
    long = node("a", name=name)
    ir_document = document([node("l", "loop", collection="[1]"), long], "l a body")

    messages = warnings(ir_document if in_loop else document([long]))

    assert [text.startswith("nodes.a.name: is cut to") for text in messages] == (
        [True] if cut else []
    )


@pytest.mark.parametrize(("letters", "cut"), [(139, False), (140, True)])
def test_more_loops_than_a_name_has_room_for_do_not_shorten_it_further(
    letters: int, *, cut: bool
) -> None:
    nests = [node(f"l{i}", "loop", collection="[1]", indexVar=f"i{i}") for i in range(20)]
    edges = [f"l{i} l{i + 1} body" for i in range(19)]

    messages = warnings(document([*nests, node("a", name="n" * letters)], *edges, "l19 a body"))

    assert [("cut to 139 UTF-16 units" in text) for text in messages] == ([True] if cut else [])


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
def test_there_is_a_warning_for_retries_that_wait_more_than_a_year(
    retries: dict[str, Any], path: str
) -> None:
    problems = parse(document([node("a", **retries)])).problems

    assert [(problem.path, problem.is_error) for problem in problems] == (
        [(f"nodes.a.{path}", False)] if path else []
    )


@pytest.mark.parametrize(("letters", "warns"), [(1024 * 1024 - 2, False), (1024 * 1024, True)])
def test_there_is_a_warning_for_a_payload_that_is_too_large(letters: int, *, warns: bool) -> None:
    payload = '"' + "x" * letters + '"'
    problems = parse(document([node("k", "sub_workflow", workflowId="x", input=payload)])).problems

    assert [problem.path for problem in problems] == (["nodes.k.data.input"] if warns else [])


def test_a_module_has_the_warnings_of_its_document_and_of_limits() -> None:
    ir_document = loop(loopType="times", count=600)
    ir_document["nodes"][1]["data"]["unknown"] = 1

    paths = [problem.path for problem in generated(ir_document).problems]

    assert paths == ["nodes.a.data.unknown", "nodes.each"]
