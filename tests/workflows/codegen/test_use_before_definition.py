from __future__ import annotations

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import branch, chain, document, node

EARLY = "return { x: b.y }"
NOT_THERE = '"b" does not run before "a": refer to a node before this one'

ITS_OWN = [
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


def test_a_value_that_is_not_there_yet_is_a_problem_of_the_code_that_uses_it() -> None:
    drawn = chain(node("a", code=f"\n{EARLY}"), node("b"), node("c", code="return b.from"))

    assert refusal(drawn) == f"nodes.a.data.code: line 2, column 13: {NOT_THERE}"


def test_so_is_its_own() -> None:
    assert "column 8: refers to itself" in refusal(chain(node("a", code="return a")))


def test_in_a_condition_too() -> None:
    drawn = document([branch("a", x="[b, 1]"), node("b")], "a b x")

    assert refusal(drawn) == f"nodes.a.data.branches.0.condition: line 1, column 2: {NOT_THERE}"


@pytest.mark.parametrize("code", ITS_OWN)
def test_a_name_that_the_code_declares_is_its_own(code: str) -> None:
    assert generated(chain(node("a", code=code), node("b")))


def test_a_reference_is_never_taken_for_a_name() -> None:
    hidden = node("_" * len("{{ trigger.x }}"))

    assert generated(chain(node("a", code="return {{ trigger.x }}"), hidden))
