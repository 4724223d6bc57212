"""Graphs that combine what is hard alone, each with the output or the error of its run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, branch, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, run_all
from tests.workflows.programs.test_programs import payloads

pytestmark = pytest.mark.long

NAP = node("nap", "sleep", duration="5 minutes")
Event = Mapping[str, Any]


def _fail(id_: str) -> dict[str, Any]:
    return node(id_, code=f"throw new Error('{id_}');", retryLimit=0)


def _step(id_: str, code: str, **more: Any) -> dict[str, Any]:
    return node(id_, code=f"return {code};", retryLimit=0, **more)


def _go(type_: str, payload: Any) -> Event:
    return {"type": type_, "payload": payload}


def _times(id_: str, count: int, **more: Any) -> dict[str, Any]:
    return node(id_, "loop", loopType="times", count=count, **more)


def _wait(id_: str, type_: str, timeout: Any = "5 minutes") -> dict[str, Any]:
    return node(id_, "wait_for_event", eventType=type_, timeout=timeout)


GRAPHS: dict[str, tuple[Document, Any]] = {
    "a try with a finally in a race in a loop": (
        document(
            [_times("each", 2), node("race", "race"), NAP, node("guard", "try_catch"), _fail("bad"),
             _step("fixed", "`fixed ${i} ${err.message}`"), _step("closed", "'closed'"),
             _step("after", "[race, closed]"), _step("end", "each.results")],
            "each race body", "race guard a", "race nap b", "race after then", "guard bad try",
            "guard fixed catch", "guard closed finally", "each end then",
        ),
        [["fixed 0 bad", "closed"], ["fixed 1 bad", "closed"]],
    ),
    "a break out of one arm of a parallel in a loop": (
        document(
            [node("each", "loop", collection="['a', 'b', 'c']"), node("both", "parallel"),
             _step("left", "item"), node("leave", "break", condition="item === 'b'"),
             _step("never", "item"), _step("right", "item + i"), _step("end", "[each.results, left, right]")],
            "each both body", "both left x", "left leave", "both right y", "leave never", "each end then",
        ),
        [[["a", "a0"], ["b", "b1"]], "b", "b1"],
    ),
    "a wait in a catch": (
        document(
            [node("guard", "try_catch"), _fail("bad"), _wait("ask", "go"),
             _step("redo", "`${err.message}: ${ask.payload.n}`"), _step("end", "[redo, ask.payload.n]")],
            "guard bad try", "guard ask catch", "ask redo", "guard end then",
        ),
        ["bad: 1", 1],
    ),
    "a wait that is late in a finally": (
        document(
            [node("outer", "try_catch"), node("inner", "try_catch"), _step("first", "1"),
             node("no", code="return 0;"), _wait("late", "never", 30), _step("caught", "err.message")],
            "outer inner try", "outer caught catch", "inner first try", "inner no catch", "inner late finally",
        ),
        "WorkflowTimeoutError: Execution timed out after 30ms",
    ),
    "names of globals and of members of objects": (
        chain(
            _step("a", "1", name="constructor"), _step("b", "a + 1", name="__proto__"),
            _step("c", "b + 1", name="toString"), _step("d", "c + 1", name="Math"),
            _step("e", "[Math.max(d, 2), JSON.stringify(c), typeof console]", name="then"),
        ),
        [4, "3", "object"],
    ),
    "ids of globals and of the language": (
        chain(
            _step("constructor", "1"), _step("class", "{{ constructor }} + 1"),
            _step("await", "{{ class }} + 1"), _step("Math", "{{ await }} + 1"),
            _step("undefined", "{{ Math }} + 1"), _step("hasOwnProperty", "[{{ undefined }}, typeof undefined]"),
            _step("then", "{{ hasOwnProperty }}"),
        ),
        [5, "undefined"],
    ),
    "a branch whose arms are all empty": (
        document(
            [branch("choose", a="false", b="true", c=""), _step("join", "'joined'")],
            "choose join a", "choose join b", "choose join c",
        ),
        "joined",
    ),
    "a branch without a true arm and without a join": (
        document(
            [_step("first", "'kept'"), branch("choose", a="false"), _step("never", "'never'")],
            "first choose", "choose never a",
        ),
        "kept",
    ),
    "a loop over a map": (
        document(
            [node("each", "loop", collection="new Map([['a', 1], ['b', 2]])"),
             _step("pair", "`${item[0]}${item[1]}`")],
            "each pair body",
        ),
        {"results": ["a1", "b2"]},
    ),
    "a loop over a generator": (
        document(
            [node("each", "loop", collection="(function* () { yield 'x'; yield* [1, 2]; })()"),
             _step("leaf", "item")],
            "each leaf body",
        ),
        {"results": ["x", 1, 2]},
    ),
    "a loop over bytes": (
        document(
            [node("each", "loop", collection="new TextEncoder().encode('hi')"), _step("leaf", "item + i")],
            "each leaf body",
        ),
        {"results": [104, 106]},
    ),
    "a loop over the output of a step that is a set": (
        document(
            [_step("made", "new Set([3, 4, 3])"), node("each", "loop", collection="made"), _step("leaf", "item")],
            "made each", "each leaf body",
        ),
        {"results": [3, 4]},
    ),
    "dates and maps as outputs": (
        chain(
            _step("made", "{ at: new Date(0), map: new Map([['k', new Date(5)]]) }"),
            _step("read", "[made.at.toISOString(), made.map.get('k').getTime(), made.at instanceof Date]"),
        ),
        ["1970-01-01T00:00:00.000Z", 5, True],
    ),
    "a date of a step as the time to wait for": (
        chain(_step("made", "new Date(Date.now() - 1000)"), node("until", "sleep_until", timestamp="{{ made }}"),
              _step("end", "made < new Date()")),
        True,
    ),
    "numbers that JSON does not have": (
        chain(_step("made", "[NaN, Infinity, -0, 2n ** 60n]"),
              _step("read", "[Number.isNaN(made[0]), made[1] > 1e308, Object.is(made[2], -0), String(made[3])]")),
        [True, True, True, "1152921504606846976"],
    ),
    "no output": (
        chain(node("none", code="console.log('x');"), _step("read", "[none ?? 'nothing', typeof none]")),
        ["nothing", "undefined"],
    ),
    "a break out of the inner loop only": (
        document(
            [_times("outer", 3), node("inner", "loop", loopType="while", condition="i < 5", indexVar="j"),
             _step("leaf", "`${i}${j}`"), node("leave", "break", condition="j === i"),
             _step("last", "leaf"), _step("end", "[outer.results, leaf]")],
            "outer inner body", "inner leaf body", "leaf leave", "inner last then", "outer end then",
        ),
        None,
    ),
    "a break in a finally discards the error": (
        document(
            [_times("each", 3), node("guard", "try_catch"), _fail("bad"), _fail("worse"), node("leave", "break"),
             _step("end", "'continued'")],
            "each guard body", "guard bad try", "guard worse catch", "guard leave finally", "each end then",
        ),
        "continued",
    ),
    "a catch that fails inside a try": (
        document(
            [node("outer", "try_catch"), node("inner", "try_catch"), _fail("bad"), _fail("worse"),
             _step("seen", "err.message"), _step("closed", "'closed'"), _step("end", "[seen, closed]")],
            "outer inner try", "outer seen catch", "inner bad try", "inner worse catch", "inner closed finally",
            "outer end then",
        ),
        ["worse", "closed"],
    ),
    "an error inside a catch hides the one around it": (
        document(
            [node("outer", "try_catch"), _fail("bad"), node("inner", "try_catch"), _fail("worse"),
             _step("deep", "err.message"), _step("back", "[deep, err.message]")],
            "outer bad try", "outer inner catch", "inner worse try", "inner deep catch", "inner back then",
        ),
        ["worse", "bad"],
    ),
    "a parallel that collects errors and wins a race": (
        document(
            [node("race", "race"), node("all", "parallel", onError="collect"), _step("fine", "1"), _fail("bad"),
             NAP, _step("end", "[race.map((arm) => arm.status), all[1].error.message]")],
            "race all a", "race nap b", "all fine x", "all bad y", "race end then",
        ),
        [["fulfilled", "rejected"], "bad"],
    ),
    "a race in a race": (
        document(
            [node("outer", "race"), node("inner", "race"), _step("quick", "'quick'"), NAP,
             node("long", "sleep", duration="4 minutes"), _step("end", "[outer, inner, quick]")],
            "outer inner a", "outer long b", "inner quick x", "inner nap y", "outer end then",
        ),
        ["quick", "quick", "quick"],
    ),
    "a race that takes too long": (
        document(
            [node("guard", "try_catch"), node("race", "race", timeout=200), _step("made", "'made'"),
             node("slow", code="await scheduler.wait(60_000);", retryLimit=0),
             _step("caught", "[made, /timed out/.test(err.message)]")],
            "guard race try", "race made a", "made slow", "guard caught catch",
        ),
        ["made", True],
    ),
    "a loop without iterations": (
        document(
            [_times("none", 0), _step("leaf", "1"), _step("end", "[none.results, leaf ?? 'no value']")],
            "none leaf body", "none end then",
        ),
        [[], "no value"],
    ),
    "a break as the only node of a body": (
        document(
            [_times("each", 5), node("leave", "break"), _step("end", "each.results.length")],
            "each leave body", "each end then",
        ),
        0,
    ),
    "a break at the top inside a try runs the finally": (
        document(
            [node("guard", "try_catch"), _step("first", "'first'"), node("leave", "break"), _step("never", "1"),
             _step("fixed", "2"), _step("closed", "3"), _step("skipped", "4")],
            "guard first try", "first leave", "leave never", "guard fixed catch", "guard closed finally",
            "guard skipped then",
        ),
        "first",
    ),
    "labels and names with every kind of quote": (
        document(
            [branch("choose", **{"`${1}` */ \" ' \\ </script>": "true", "\N{RIGHT-TO-LEFT OVERRIDE}b": ""}),
             _step("a", "'a'", name="*/ `${process.exit()}` \\ \"'"), _step("b", "'b'", name="// @ts-ignore")],
            "choose a `${1}` */ \" ' \\ </script>", "choose b \N{RIGHT-TO-LEFT OVERRIDE}b",
        ),
        "a",
    ),
    "two waits at the same time": (
        document(
            [node("both", "parallel"), _wait("one", "go"), _wait("two", "on"),
             _step("end", "[one.payload.n, two.payload.n]")],
            "both one x", "both two y", "both end then",
        ),
        [1, 2],
    ),
    "a loop until an event says so": (
        document(
            [node("each", "loop", loopType="while", condition="!ask?.payload.done"), _wait("ask", "turn"),
             _step("turn", "ask.payload.n"), _step("end", "each.results")],
            "each ask body", "ask turn", "each end then",
        ),
        [1, 2, 3],
    ),
    "an event type, a payload and an element of a list in text": (
        document(
            [_times("each", 2), _step("made", "{ type: ['go', 'on'][i] }"),
             _wait("ask", "{{ each.results[1].type }}"), _step("end", "ask.payload.n")],
            "each made body", "each ask then", "ask end",
        ),
        2,
    ),
    "loops whose names are those of nodes and of generated code": (
        document(
            [node("last", "loop", collection="[1, 2]", itemVar="results", indexVar="step_1"),
             node("results_last", "loop", loopType="times", count=2, indexVar="leaf_1"),
             _step("leaf", "[results, step_1, leaf_1]"), _step("won", "last.results.length")],
            "last results_last body", "results_last leaf body", "last won then",
        ),
        2,
    ),
    "a catch in a catch in a finally": (
        document(
            [node("a", "try_catch"), _step("one", "1"), _step("no", "0"), node("b", "try_catch"), _fail("bad"),
             node("c", "try_catch"), _fail("worse"), _step("deep", "err.message"), _step("end", "[one, deep]")],
            "a one try", "a no catch", "a b finally", "b bad try", "b c catch", "c worse try", "c deep catch",
            "a end then",
        ),
        [1, "worse"],
    ),
    "the same arm for two answers of a branch in a loop": (
        document(
            [node("each", "loop", collection="[1, 2, 3]"), branch("choose", one="item === 1", two="item === 2", more=""),
             _step("few", "`few ${item}`"), _step("many", "`many ${item}`"), _step("join", "few ?? many"),
             _step("end", "each.results")],
            "each choose body", "choose few one", "choose few two", "choose many more", "few join", "many join",
            "each end then",
        ),
        ["few 1", "few 2", "many 3"],
    ),
}  # fmt: skip
GRAPHS["a break out of the inner loop only"] = (
    GRAPHS["a break out of the inner loop only"][0],
    [["00", "11", "22"], "22"],
)
EVENTS = [
    _go("go", {"n": 1}), _go("on", {"n": 2}), _go("turn", {"n": 1}), _go("turn", {"n": 2}),
    _go("turn", {"n": 3, "done": True}),
]  # fmt: skip


def test_every_graph_has_the_output_that_it_means(tmp_path: Path) -> None:
    documents = {f"G{at}": graph for at, (graph, _) in enumerate(GRAPHS.values())}

    runs = run_all(
        compiled(documents, tmp_path), [Run(workflow=name, events=EVENTS) for name in documents]
    )

    outputs = {
        title: payloads(run["output"]) if run["status"] == "complete" else run["error"]
        for title, run in zip(GRAPHS, runs, strict=True)
    }
    assert outputs == {title: output for title, (_, output) in GRAPHS.items()}


def test_strings_and_objects_are_not_lists(tmp_path: Path) -> None:
    documents = {
        f"G{at}": document([node("each", "loop", collection=code), node("leaf")], "each leaf body")
        for at, code in enumerate(["'text'", "({ a: 1 })", "null", "5"])
    }

    runs = run_all(compiled(documents, tmp_path), [Run(workflow=name) for name in documents])

    for run in runs:
        assert '"each" needs a list, but got' in run["error"]["message"]
        assert names(run) == []
