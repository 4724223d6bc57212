from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, document, node
from tests.workflows.programs.harness.workers import Run, names, run_all
from workflows.compilation.lenient import compile_leniently

NOT_STORABLE = [
    "() => 1",
    "{ deep: [() => 1] }",
    "Symbol('x')",
    "new Response('x')",
    "new WeakMap()",
]


@pytest.mark.parametrize("value", NOT_STORABLE)
def test_a_result_that_cannot_be_stored_fails_its_step(value: str, tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"), node("bad", code=f"return {value};", retryLimit=1, retryDelay=1),
            node("caught", code="return err.message;"), node("tidy"),
        ],
        "guard bad try", "guard caught catch", "guard tidy finally",
    )  # fmt: skip
    script = compile_leniently(generated(workflow), tmp_path).script

    (run,) = run_all({"Flow": script}, [Run(workflow="Flow")])

    assert run["status"] == "complete"
    assert "only values that can be stored" in run["output"]
    assert names(run) == ["bad", "caught", "tidy"]
    assert len(run["steps"][0]["attempts"]) == 2


@pytest.mark.long
def test_results_that_can_be_stored_are_left_alone(tmp_path: Path) -> None:
    code = "return { d: new Date(0), m: new Map([['a', 1]]), s: new Set([1]), u: undefined, b: new Uint8Array(2) };"
    workflow = chain(
        node("a", code=code),
        node("b", code="return [a.d.getTime(), a.m.get('a'), a.s.size, a.b.length];"),
    )
    script = compile_leniently(generated(workflow), tmp_path).script

    (run,) = run_all({"Flow": script}, [Run(workflow="Flow")])

    assert run["output"] == [0, 1, 1, 2]


def test_steps_inside_a_step_are_a_warning_that_says_what_happens() -> None:
    inner = "const x = 1;\nreturn await step.do('inner', async () => x);"

    (problem,) = generated(
        chain(node("a", code=inner), node("b", code="const step = 1; return step;"))
    ).problems

    assert "nodes.a.data.code: line 2, column 14: calls steps inside a step" in str(problem)
