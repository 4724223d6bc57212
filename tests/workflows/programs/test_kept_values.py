"""Code outside of steps that reads the clock or random values is evaluated once, and stored in a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.codegen.syntax.changing_values import may_change
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.reading import fields

CHANGING = [
    "Date.now() + 3000", "new Date()", "new Date", "Date() > ''", "new Date(Date.now() + 1)", "Math.random() < 0.5",
    "crypto.randomUUID().length > 1", "[1].map(() => Math.random())", "(await env.MY_KV.get('a')) === 'x'",
    "performance.now() > 5", "await fetch('https://x.test')", "globalThis.crypto.randomUUID()",
]  # fmt: skip
STEADY = [
    "new Date(event.payload.at)", "event.payload.Date", "'Date.now()'", "first.date > 5", "Math.max(1, 2)", "event.timestamp",
    "Date.UTC(2026)", "Date.parse('2026')", "/Date.now()/.test('x')", "first.fetch", "i < 3",
]  # fmt: skip


@pytest.mark.parametrize("source", [*CHANGING, *STEADY])
def test_only_expressions_that_may_change_are_kept(source: str) -> None:
    syntax = Syntax(fields.code("condition", source, is_expression=True))

    assert may_change(syntax) == (source in CHANGING)


def test_each_changing_setting_outside_of_steps_is_a_step(tmp_path: Path) -> None:
    workflow = document(
        [
            node("until", "sleep_until", timestamp="new Date(Date.now() + 20)"),
            branch("luck", yes="Math.random() > 2", no="Math.random() < 2"),
            node("each", "loop", collection="[Date.now(), crypto.randomUUID()]"),
            node("item", code="return typeof item;"),
            node("while", "loop", loopType="while", condition="i < 2 && Date.now() > 0"),
            node("turn", code="return i;"), node("leave", "break", condition="i === 5 && Math.random() < 2"),
            node("end", code="return each.results;"),
        ],
        "until luck", "luck each no", "each item body", "each while then", "while turn body", "turn leave",
        "while end then",
    )  # fmt: skip

    (run,) = run_all(compiled({"Kept": workflow}, tmp_path), [Run(workflow="Kept")])

    assert run["output"] == ["number", "string"]
    assert [name for name in names(run) if ": value" in name] == [
        "until: value", "luck: value", "luck: value", "each: value", "while: value",
        "leave: value [0]", "while: value", "leave: value [1]", "while: value",
    ]  # fmt: skip
    assert outputs(run)["until: value"].startswith("20")


def test_settings_inside_of_steps_need_no_step_of_their_own() -> None:
    workflow = chain(
        node("call", "http_request", method="POST", url="https://x.test", body="{ at: Date.now() }"),
        node("child", "sub_workflow", workflowId="c", input="{ id: crypto.randomUUID() }"),
        branch("b", yes="first.n > 1") | {"id": "b"}, node("first"),
    )  # fmt: skip
    workflow["nodes"][2]["data"]["branches"][0]["condition"] = "event.payload.n > 1"
    workflow["edges"][2]["label"] = "yes"

    assert ': value"' not in generated(workflow).source
