from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.ir.reading.problems import InvalidIR
from workflows.nodes.documents import parse


def transform(id_: str, expression: str = "", **values: str) -> dict[str, Any]:
    if expression:
        return node(id_, "transform", expression=expression)
    named = [{"name": name, "expression": code} for name, code in values.items()]
    return node(id_, "transform", shape="object", values=named)


def run_document(folder: Path, workflow: Document, params: Any = None) -> dict[str, Any]:
    return run_all(compiled({"Flow": workflow}, folder), [Run(workflow="Flow", params=params)])[0]


def test_a_transform_returns_the_value_of_its_expression(tmp_path: Path) -> None:
    workflow = chain(
        node("first", code="return { n: 2, list: [1, 2] };"),
        transform("object", "{ n: {{ first.n }} * 2, text: `${first.list}` }"),
        transform("comment", "first.n // twice\n  * 2"),
        transform("sequence", "first.n, first.list"),
        transform("own", "[3].map((first) => first + {{ first.n }})"),
        transform("type", "object.text.toUpperCase() + object.n.toFixed(1)"),
    )

    run = run_document(tmp_path, workflow)

    values = outputs(run)
    assert values["object"] == {"n": 4, "text": "1,2"}
    assert (values["comment"], values["sequence"], values["own"]) == (4, [1, 2], [5])
    assert run["output"] == "1,24.0"


@pytest.mark.long
def test_named_values_become_an_object(tmp_path: Path) -> None:
    names_ = {"total": "1 + 1", "a b": "'x'", "__proto__": "[1]", '"`${': "{ deep: true }"}
    workflow = chain(
        transform("values", **names_), node("end", code="return Object.entries(values);")
    )

    run = run_document(tmp_path, workflow)

    assert run["output"] == [
        ["total", 2],
        ["a b", "x"],
        ["__proto__", [1]],
        ['"`${', {"deep": True}],
    ]


@pytest.mark.long
def test_the_value_of_the_clock_is_kept(tmp_path: Path) -> None:
    workflow = chain(
        transform("now", at="Date.now()", id="crypto.randomUUID()"),
        node("pause", "sleep", duration=50),
        node("end", code="return [now.at, now.id];"),
    )

    run = run_document(tmp_path, workflow)

    assert run["output"] == [outputs(run)["now"]["at"], outputs(run)["now"]["id"]]


@pytest.mark.long
def test_an_error_fails_the_node_without_a_retry(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            transform("bad", "event.payload.missing.deep"),
            node("caught", code="return err.message;"),
        ],
        "guard bad try",
        "guard caught catch",
    )

    run = run_document(tmp_path, workflow, {})

    assert "undefined" in run["output"]
    assert len(run["steps"][0]["attempts"]) == 1


@pytest.mark.long
def test_transforms_in_loops_and_arms_are_read_outside_of_them(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", collection="[1, 2, 3]"),
            transform("square", "item * item"),
            node("both", "parallel"),
            transform("left", "square + 1"),
            transform("right", value="each.results.length"),
            node("end", code="return [each.results, left, right.value];"),
        ],
        "each square body", "each both then", "both left", "both right", "both end then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run)[:3] == ["square [0]", "square [1]", "square [2]"]
    assert run["output"] == [[1, 4, 9], 10, 3]


@pytest.mark.long
def test_a_script_can_transform(tmp_path: Path) -> None:
    result = transform("out", "{ twice: event.payload.n * 2 }") | {"name": "EXPORT_result"}
    script = chain(result, kind="script", trigger={"type": "http"})
    request = {"method": "POST", "body": '{"n": 4}'}

    (answer,) = run_all(
        compiled({"Script": script}, tmp_path), [Run(workflow="Script", request=request)]
    )

    assert answer["text"] == '{"result":{"twice":8}}'


@pytest.mark.parametrize("code", ["await env.KV.get('a')", "fetch('https://x.test')"])
def test_an_expression_that_leaves_the_workflow_causes_a_warning(code: str) -> None:
    (problem,) = parse(chain(transform("a", code))).problems

    assert not problem.is_error
    assert "a transform is never retried" in str(problem)


def test_a_mistake_in_a_value_is_reported_at_its_place() -> None:
    with pytest.raises(InvalidIR, match=r"nodes\.a\.data\.values\.1\.expression"):
        generated(chain(transform("a", x="1", y="2 +")))
