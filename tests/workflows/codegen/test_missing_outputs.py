"""Warnings about outputs of nodes that may not have run, and no warnings about any others."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from tests.support.work import counted
from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, branch, document, node
from tests.workflows.ir.tree.graphs import random_document
from tests.workflows.ir.walker import Walker
from workflows.codegen.analysis.certain_runs import certain_runs
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse

READ = "return x.y"
MAX_BRANCHES = 5


def warnings(workflow: Document) -> list[str]:
    """Return what is said about outputs that may be missing."""
    problems = generated(workflow).problems
    assert not any(problem.is_error for problem in problems)
    return [
        f"{problem.node_id}: {problem.message}"
        for problem in problems
        if " is undefined if " in problem.message or " fails if " in problem.message
    ]


def in_arm(reader: Any, *, conditions: dict[str, str] | None = None, other: str = "") -> Document:
    """Return a branch whose arm "yes" runs x, followed by a reader."""
    arms = conditions or {"yes": "event.payload.ok"}
    nodes = [branch("b", **arms), node("x"), reader]
    edges = ["b x yes", f"b {reader['id']} then"]
    if other:
        nodes.append(node("other", **({"code": other} if other != "break" else {"type_": "break"})))
        edges.append("b other no")
    return document(nodes, *edges)


def step(code: str) -> dict[str, Any]:
    return node("r", code=code)


UNSURE = [
    (
        in_arm(step(READ)),
        'line 1, column 8: x is undefined if "x" does not run, because it is in the arm "yes" of "b": '
        'write `x?.y`, or move this node into the same arm, after "x"',
    ),
    (
        document([node("t", "try_catch"), node("x"), node("c"), step("\n x[0].z")],
                 "t x try", "t c catch", "t r then"),
        'line 2, column 2: x is undefined if "x" does not finish in the try part of "t": '
        'write `x?.[0]`, or move this node into the same part, after "x"',
    ),
    (
        document([node("t", "try_catch"), node("x"), node("r", code=READ)], "t x try", "t r catch"),
        'x is undefined if "x" does not finish in the try part of "t"',
    ),
    (
        document([node("f", "race"), node("x"), node("s", "sleep", duration=1), step(READ)],
                 "f x a", "f s b", "f r then"),
        'because another arm of "f" wins the race',
    ),
    (
        document([node("l", "loop", collection="event.payload.list"), node("x"), step(READ)],
                 "l x body", "l r then"),
        'does not run in the loop "l": write `x?.y`, or move this node into the loop',
    ),
    (
        document([node("l", "loop", loopType="times", count=2), node("k", "break", condition="i"),
                  node("x"), step(READ)], "l k body", "k x", "l r then"),
        'does not run in the loop "l"',
    ),
    (
        document([node("l", "loop", loopType="while", condition="x.y"), node("x")], "l x body"),
        'l: line 1, column 1: x is undefined if "x" does not run in the loop "l"',
    ),
    (
        document([node("p", "parallel", onError="collect"), node("x"), node("z"), step(READ)],
                 "p x a", "p z b", "p r then"),
        'because the arm "a" of "p" fails',
    ),
    (
        in_arm(node("r", "http_request", url="https://x.test/{{ x.y }}")),
        'r: {{ x.y }} fails if "x" does not run, because it is in the arm "yes" of "b": '
        "move this node into the same arm",
    ),
    (
        in_arm(node("r", "http_request", url="https://x.test", queryParams={"a": "{{ x.y[0] }}"})),
        "{{ x.y[0] }} fails if",
    ),
    (in_arm(step("return {{ x.y }} + 1")), "column 8: {{ x.y }} is undefined if"),
    (in_arm(step("x.y = 1")), 'arm "yes" of "b": move this node'),
    (in_arm(branch("r", a="x.ok", b="")), 'write `x?.ok`'),
]  # fmt: skip


@pytest.mark.parametrize(("workflow", "message"), UNSURE)
def test_reading_the_output_of_a_node_that_may_not_have_run_is_a_warning(
    workflow: Document, message: str
) -> None:
    (warning,) = warnings(workflow)

    assert message in warning


CERTAIN = [
    in_arm(step(READ), conditions={"yes": "event.payload.ok", "no": ""}, other="break"),
    in_arm(step(READ), conditions={"yes": "event.payload.ok", "no": ""}, other="throw new Error('no')"),
    document([branch("b", yes="event.payload.ok"), node("x"), step(READ)], "b x yes", "x r"),
    document([branch("b", yes="event.payload.ok", no=""), node("x"), node("z"), step(READ)],
             "b x yes", "b z no", "x r"),
    document([node("t", "try_catch"), node("x"), node("c", code="throw err"), step(READ)],
             "t x try", "t c catch", "t r then"),
    document([node("t", "try_catch"), node("z"), node("c"), node("x"), step(READ)],
             "t z try", "t c catch", "t x finally", "t r then"),
    document([node("l", "loop", loopType="times", count=2), node("x"), step(READ)],
             "l x body", "l r then"),
    document([node("l", "loop", collection="[1, 2]"), node("x"), step(READ)], "l x body", "l r then"),
    document([node("l", "loop", loopType="while"), node("x"), node("k", "break", condition="x.y"),
              step(READ)], "l x body", "x k", "l r then"),
    document([node("p", "parallel"), node("x"), node("z"), step(READ)], "p x a", "p z b", "p r then"),
    # Conditions of other nodes that only hold if there is an output.
    document([branch("b", yes="event.payload.ok"), node("x"), branch("c", yes="x?.ok === true"),
              step(READ)], "b x yes", "b c then", "c r yes"),
    document([branch("b", yes="event.payload.ok"), node("x"), branch("c", no="!x", yes=""),
              node("z"), step(READ)], "b x yes", "b c then", "c z no", "c r yes"),
    document([branch("b", yes="event.payload.ok"), node("x"), branch("c", yes="event.payload.ok"),
              step(READ)], "b x yes", "b c then", "c r yes"),
    document([branch("b", yes="event.payload.ok"), node("x"), node("k", "break", condition="!x"),
              step(READ)], "b x yes", "b k then", "k r"),
    document([branch("b", yes="event.payload.ok"), node("x"), branch("c", no="x == null"),
              node("k", "break"), step(READ)], "b x yes", "b c then", "c k no", "c r then"),
    document([branch("b", yes="event.payload.ok"), node("x"),
              node("l", "loop", collection="x?.items ?? []"), step(READ)],
             "b x yes", "b l then", "l r body"),
    in_arm(node("r", "http_request", url="https://x.test", queryParams={"a": "{{ x }}"})),
]  # fmt: skip


@pytest.mark.parametrize("workflow", CERTAIN)
def test_there_is_no_warning_if_the_node_has_run_whenever_it_is_read(workflow: Document) -> None:
    assert warnings(workflow) == []


@pytest.mark.parametrize(
    "code",
    [
        "return x?.y.z",
        "return x",
        "return { x, a: { ...x } }",
        "return (x ?? {}).y",
        "return x && x.y",
        "return x && [x.y]",
        "return !x || x.y",
        "return x ? x.y : 0",
        "return x === undefined ? 0 : x.y",
        "return typeof x === 'undefined' ? 0 : x.y",
        "if (x) { return [1].map(() => x.y) }",
        "if (x?.ok && event.payload.n) return x.y",
        "if (!x) return 0\nreturn x.y",
        "if (!x || !x.ok) { console.log(1); throw new Error('x') }\nconst { y } = x; return y",
        "const ok = x?.status === 'done'; return ok ? x.y : 0",
        "if (Boolean(x)) { for (const y of x) return y }",
        "if (event.payload.ok) { return x.y }",
        "try { return x.y } catch { return 0 }",
        "const x = { y: 1 }; return x.y",
        "x ??= { y: 1 }; return x.y",
        "return x!.y",
        "return {{ x }} && {{ x.y }}",
        "while (x?.y) { x.y.pop() }",
        "return x?.items.length > 0 ? x.items[0] : 0",
    ],
)
def test_code_that_checks_the_output_gets_no_warning(code: str) -> None:
    assert warnings(in_arm(step(code))) == []


@pytest.mark.parametrize(
    "code",
    [
        "return x || x.y",
        "return x ? 0 : x.y",
        "if (x) { console.log(1) }\nreturn x.y",
        "if (!x) { console.log(1) }\nreturn x.y",
        "return x.y ?? 0",
        "const { y } = x; return y",
        "const [y] = x; return y",
        "return [...x]",
        "for (const y of await x) console.log(y)",
        "return 'y' in x",
        "if (x !== null && event.payload.z || event.payload.a) return x.y",
        "return (x as any).y",
    ],
)
def test_code_that_checks_something_else_gets_a_warning(code: str) -> None:
    assert len(warnings(in_arm(step(code)))) == 1


@pytest.mark.parametrize("seed", range(60))
def test_what_counts_as_certain_is_what_has_run_on_every_path(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same graphs each time
    workflow = random_document(random, size=4 + seed % 7, then=0.5)
    ir = parse(workflow, NODE_TYPES).ir
    arms = {
        item["id"]: ["", *(arm["label"] for arm in item["data"]["branches"])]
        for item in workflow["nodes"]
        if item["type"] == "branch"
    }
    if ir is None or len(arms) > MAX_BRANCHES:
        return

    on_every_path: dict[str, set[str]] = {}
    for labels in product(*arms.values()):
        executed = Walker(workflow, dict(zip(arms, labels, strict=True))).steps()
        for position, reader in enumerate(executed):
            before = set(executed[:position])
            on_every_path[reader] = on_every_path.get(reader, before) & before

    runs = certain_runs(ir, failing=())
    certain = {
        reader: {id_ for id_ in on_every_path if runs.has_run(id_, before=reader)}
        for reader in on_every_path
    }
    assert certain == on_every_path


def test_the_work_grows_with_the_number_of_references() -> None:
    def work(count: int) -> int:
        code = "\n".join(["x(a ?? {{ a }});"] * count)
        parts = [branch("c", yes="event.payload.x", no=""), node("a"), node("b", code=code)]
        return counted(lambda: generated(document(parts, "c a yes", "c b then")))[1]

    work(1)
    assert work(400) < 3 * work(200)
