"""Documents of the largest allowed size generate and compile."""

from __future__ import annotations

from pathlib import Path

from tests.support.examples import examples
from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, many_branches, node
from workflows.compilation.lenient import compile_leniently, judge
from workflows.compilation.typescript import Diagnostic

NODES = examples(400, 10_000)


def test_many_nodes_with_branches_compile_without_a_complaint(tmp_path: Path) -> None:
    compiled = compile_leniently(generated(many_branches(NODES - 4)), tmp_path)

    assert compiled.warnings == ()


def test_limits_of_the_compiler_are_not_blamed_on_nodes() -> None:
    module = generated(chain(node("a")))
    limit = Diagnostic(
        line=1, column=1, code="TS2589", message="Type instantiation is excessively deep"
    )

    assert judge([limit], module).errors == judge([limit], module).warnings == ()
