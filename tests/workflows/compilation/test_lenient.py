from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, node
from workflows.compilation.lenient import compile_leniently, judge
from workflows.compilation.typescript import CompileFailed, Diagnostic


def test_only_the_first_complaints_about_one_code_are_judged() -> None:
    code = "nope();\n" * 10_000
    program = generated(chain(node("a", code=code), node("b", code="nope();")))
    lines = program.source.split("\n")
    complaints = [
        Diagnostic(line=number, column=1, code="TS2304", message="Cannot find name 'nope'.")
        for number, line in enumerate(lines, 1)
        if line == "nope();"
    ]

    errors = judge(complaints, program).errors

    assert len(complaints) == 10_001
    assert len(errors) == 2_002
    assert sum("more than 2,000 errors" in error.message for error in errors) == 1


def test_a_hundred_errors_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    program = generated(chain(node("a", code="nope();\n" * 150)))

    with pytest.raises(CompileFailed) as failed:
        compile_leniently(program, tmp_path)

    assert len(failed.value.diagnostics) == 101
    assert failed.value.diagnostics[-1].message == "50 more errors are not shown"


def test_only_the_node_with_broken_syntax_is_blamed(tmp_path: Path) -> None:
    odd = "const o = { a: 1, a: 2 }; return !function () {}() && o.a;"
    program = generated(chain(node("a", code=odd), node("b", code="with (Math) { return PI; }")))

    with pytest.raises(CompileFailed) as failed:
        compile_leniently(program, tmp_path)

    lines = {program.locate(each.line, each.column) for each in failed.value.diagnostics}
    assert {location.node_id for location in lines if location} == {"b"}
