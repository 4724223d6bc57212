"""Loose JavaScript deploys and runs; certain mistakes are reported where they are.

Each line of `snippets/loose.txt` is the code of a step that works. Each line of
`snippets/mistakes.txt` has one mistake, in double square brackets; ⏎ is a new line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, run_all
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.lenient import Compiled, compile_leniently
from workflows.compilation.typescript import CompileFailed

FOLDER = Path(__file__).parent / "snippets"
PAYLOAD: dict[str, Any] = {
    "x": {"n": 1}, "n": 5, "list": [1, 2, 3], "rows": [{"id": 1, "n": 2}], "name": "Ada",
    "date": "2026-01-02", "flag": True,
}  # fmt: skip
_FIRST = (
    "return { total: 3, note: 'hi', when: '2026-01-02T03:04:05Z', nested: { deep: { n: 1 } }, list: [3, 1, 2],"
    " words: ['b', 'a'], rows: [{ id: 1, name: 'Ada', tags: ['x'], price: 2.5, paid: true }] };"
)


def _snippets(name: str) -> list[str]:
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    return [line.replace("⏎", "\n") for line in lines if line and not line.startswith("# ")]


LOOSE, MISTAKES = _snippets("loose"), _snippets("mistakes")
CHUNK = 90  # only the first errors are shown


def _document(snippets: list[str]) -> Document:
    """Return a chain with a step for each snippet, after nodes whose outputs they use."""
    before = [
        node("first", code=_FIRST),
        node("second", code="return { ok: true, count: 1 };"),
        node("nothing", code="console.log('x');"),
        node("mixed", code="if (event.payload.n) return { a: 1 }; return { b: 2 };"),
        node("shaped", code="const o = {}; o.extra = 1; o.more = { list: [1] }; return o;"),
        node("textOrNumber", code="return event.payload.n > 3 ? 5 : 'five';"),
        node("maybe", code="return event.payload.n > 9 ? { value: 1 } : null;"),
    ]
    steps = [node(f"s{at}", code=code, retryLimit=0) for at, code in enumerate(snippets)]
    return chain(*before, *steps)


def test_the_corpora_are_large() -> None:
    assert len(set(LOOSE)) >= 830
    assert len(set(MISTAKES)) >= 300


def test_no_loose_code_is_refused_and_all_of_it_works(tmp_path: Path) -> None:
    module = generated(_document(LOOSE))

    try:
        compiled = compile_leniently(module, tmp_path)
    except CompileFailed as failed:
        pytest.fail("\n".join(_described(module, failed, LOOSE)))
    (run,) = run_all({"Flow": compiled.script}, [Run(workflow="Flow", params=PAYLOAD)])

    assert run["status"] == "complete", [run["error"], run["steps"][-1]]


def _described(module: GeneratedModule, failed: CompileFailed, snippets: list[str]) -> list[str]:
    places = [(error, module.locate(error.line, error.column)) for error in failed.diagnostics]
    return [
        f"{snippets[int(place.node_id[1:])] if place and place.node_id[1:].isdigit() else place}: "
        f"{error.code} {error.message}"
        for error, place in places
    ]


def test_nearly_every_mistake_is_reported_on_its_node_and_line(tmp_path: Path) -> None:
    missed: list[str] = []
    for start in range(0, len(MISTAKES), CHUNK):
        missed += _missed(MISTAKES[start : start + CHUNK], tmp_path)

    assert len(missed) <= len(MISTAKES) // 20, "\n".join(missed)


def _missed(mistakes: list[str], folder: Path) -> list[str]:
    """Return the mistakes that are not reported; nothing else may be."""
    module = generated(
        _with_other_outputs(_document([re.sub("[⟦⟧]", "", code) for code in mistakes]))
    )
    with pytest.raises(CompileFailed) as failed:
        compile_leniently(module, folder)
    places = [module.locate(error.line, error.column) for error in failed.value.diagnostics]
    reported = {(place.node_id, place.line) for place in places if place}
    expected = {
        (f"s{at}", code[: code.index("⟦")].count("\n") + 1) for at, code in enumerate(mistakes)
    }
    assert reported - expected == set()
    return [mistakes[int(id_[1:])] for id_, _ in sorted(expected - reported)]


def _with_other_outputs(workflow: Document) -> Document:
    """Add nodes of other types after the first one."""
    extra = [
        node("ask", "http_request", url="https://x.test"),
        node("got", "wait_for_event", eventType="go"), node("loop", "loop", loopType="times", count=1),
        node("all", "parallel"), node("in"), node("arm"),
    ]  # fmt: skip
    inner = document(extra, "ask got", "got loop", "loop in body", "loop all then", "all arm x")
    first, second = workflow["nodes"][0]["id"], workflow["nodes"][1]["id"]
    workflow["nodes"] += extra
    workflow["edges"][0] = {"id": "start", "source": first, "target": "ask"}
    workflow["edges"] += inner["edges"]
    workflow["edges"].append({"id": "on", "source": "all", "target": second, "label": "then"})
    return workflow


BROKEN = [
    "return (1;", "const = 5; return 1;", "return { a: 1;", "if (true { return 1; }", "return [1, 2;",
    "const a = 1\nconst b = ;\nreturn a;", "for (let i = 0; i < 3; i++ { }", "return 'unclosed;", "return `unclosed;",
    "function { return 1; }", "return a b;", "let 1x = 5;", "return 1 +;", "}", "return {{{;",
    "const a = 1;\nreturn a +* 2;", "switch (1) { case: 1 }", "const x: = 5; return x;",
]  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_broken_syntax_is_refused_with_its_line(code: str) -> None:
    assert re.search(
        r"nodes\.a\.data\.code: line \d+, column \d+: ", refusal(chain(node("a", code=code)))
    )


NO_JAVASCRIPT = [
    "function f() { await fetch('x'); } return f();", "let a = 1; let a = 2; return a;", "break; return 1;",
    "const f = () => { yield 1; }; return f;", "const x; return x;", "continue; return 1;", "class A {} class A {} return 1;",
    "try { return 1; }", "class { }",
]  # fmt: skip


@pytest.mark.parametrize("code", NO_JAVASCRIPT)
def test_code_that_no_engine_accepts_is_refused_on_its_node(code: str, tmp_path: Path) -> None:
    module = generated(chain(node("a", code=code)))

    with pytest.raises(CompileFailed) as failed:
        compile_leniently(module, tmp_path)

    places = [module.locate(error.line, error.column) for error in failed.value.diagnostics]
    assert {place.node_id for place in places if place} == {"a"}


def test_complaints_that_do_not_block_are_warnings(tmp_path: Path) -> None:
    code = "const start = new Date(0);\nreturn first.total === 'three' ? new Date(5) - start : 0;"
    module = generated(chain(node("first", code="return { total: 3 };"), node("a", code=code)))

    compiled: Compiled = compile_leniently(module, tmp_path)

    places = [module.locate(warning.line, warning.column) for warning in compiled.warnings]
    assert {(place.node_id, place.line) for place in places if place} == {("a", 2)}
    assert "no overlap" in compiled.warnings[0].message
