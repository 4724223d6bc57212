from __future__ import annotations

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import branch, chain, document, node

EARLY = "return { x: b.y }"
NO_OUTPUT = '"b" does not run before "a": refer to a node before this one'

DECLARED = [
    "return ((b) => b.y)({})",
    "const { b } = event.payload; return b",
    "const { c: b = 1 } = event.payload; return b",
    "const [, ...b] = [1]; return b",
    "for (const b of [1]) { return b; }",
    "try { return 1; } catch (b) { return b; }",
    "function b() { return 1; }\nreturn b()",
    "class b {}\nreturn new b()",
    "import b from 'node:fs'; return b",
    "return { b: 1 }",
    "return event.b",
    "return 'b' // b",
    "const f = (n: [b: string]) => n; return f(['x'])",
    "let x: { b: string }; return x",
]


def test_code_cannot_use_the_output_of_a_later_node() -> None:
    workflow = chain(node("a", code=f"\n{EARLY}"), node("b"), node("c", code="return b.from"))

    assert refusal(workflow) == f"nodes.a.data.code: line 2, column 13: {NO_OUTPUT}"


def test_code_cannot_use_its_own_output() -> None:
    assert "column 8: refers to itself" in refusal(chain(node("a", code="return a")))


def test_a_condition_cannot_use_the_output_of_a_later_node() -> None:
    workflow = document([branch("a", x="[b, 1]"), node("b")], "a b x")

    assert refusal(workflow) == f"nodes.a.data.branches.0.condition: line 1, column 2: {NO_OUTPUT}"


@pytest.mark.parametrize("code", DECLARED)
def test_a_name_that_the_code_declares_is_allowed(code: str) -> None:
    assert generated(chain(node("a", code=code), node("b")))


def test_a_reference_is_never_mistaken_for_a_name() -> None:
    hidden = node("_" * len("{{ trigger.x }}"))

    assert generated(chain(node("a", code="return {{ trigger.x }}"), hidden))
