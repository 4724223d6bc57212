"""Documents of the largest allowed size generate and compile."""

from __future__ import annotations

from pathlib import Path

from tests.support.examples import examples
from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.compilation.lenient import compile_leniently, judge
from workflows.compilation.typescript import Diagnostic

NODES = examples(400, 10_000)


def _branches(nodes: int) -> Document:
    """Return a chain of branches, each of which reads what the arms of the one before made."""
    parts, edges = [node("x", code="return { ok: true };")], ["x b0"]
    for at in range(nodes // 4):
        before = "x" if not at else f"x{at - 1}"
        parts += [
            branch(f"b{at}", yes=f"{before}.ok", no=""), node(f"y{at}", code="return { a: 1 };"),
            node(f"n{at}", code="return { b: 'x' };"),
            node(f"x{at}", code=f"return {{ ok: true, value: y{at}?.a ?? n{at}?.b }};"),
        ]  # fmt: skip
        edges += [f"b{at} y{at} yes", f"b{at} n{at} no", f"b{at} x{at} then"]
        edges += [f"x{at} b{at + 1}"] if at + 1 < nodes // 4 else []
    return document(parts[:10_000], *edges)


def test_many_nodes_with_branches_compile_without_a_complaint(tmp_path: Path) -> None:
    compiled = compile_leniently(generated(_branches(NODES - 4)), tmp_path)

    assert compiled.warnings == ()


def test_limits_of_the_compiler_are_not_blamed_on_nodes() -> None:
    module = generated(chain(node("a")))
    limit = Diagnostic(
        line=1, column=1, code="TS2589", message="Type instantiation is excessively deep"
    )

    assert judge([limit], module).errors == judge([limit], module).warnings == ()
