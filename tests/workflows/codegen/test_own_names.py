"""What a node's code declares for itself hides every name around it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.workflows.ir.documents import branch, document, node
from tests.workflows.programs.harness.workers import outputs, run_document
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.reading import fields

OWN_NAMES = (
    "let i = 'own', [item] = ['b'], { ctx } = { ctx: 1 }; return [i, item, ctx];",
    "var i = 'own'; function item() { return 'b'; } class ctx { static n = 1; } return [i, item(), ctx.n];",
    "for (var i of ['own']); if (true) { var item = 'b', ctx = 1; } return [i, item, ctx];",
    "const step = 1, event = 'b', env = 'own'; return [env, event, step];",
    "const own = ((i, item, ctx) => [i, item, ctx])('own', 'b', 1); return own;",
    "const sum = 'own', run_n0 = 'b', last = 1; return [sum, run_n0, last];",
    "import { sep as item } from 'node:path'; const own = item + i; return own === '/0' ? ['own', 'b', 1] : [own];",
)


def test_names_of_the_code_hide_those_of_a_loop_wherever_the_value_is_read(tmp_path: Path) -> None:
    ids = [f"n{number}" for number in range(len(OWN_NAMES))]
    workflow = document(
        [
            node("each", "loop", collection="['a']"),
            *(node(id_, code=code) for id_, code in zip(ids, OWN_NAMES, strict=True)),
            node("end", code=f"return [{', '.join(ids)}];"),
        ],
        "each n0 body", *(f"{first} {second}" for first, second in pairwise(ids)), "each end then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert run["output"] == [["own", "b", 1]] * len(OWN_NAMES)


def test_names_of_the_code_hide_the_error_of_a_catch(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"), node("bad", code="throw new Error('no');", retryLimit=0),
            node("own", code="let err; if (err) return 'outer'; err = 'own'; return err;"),
            node("end", code="return own;"),
        ],
        "guard bad try", "guard own catch", "guard end then",
    )  # fmt: skip

    assert run_document(tmp_path, workflow)["output"] == "own"


def test_a_reference_means_the_output_even_beside_a_name_of_the_code(tmp_path: Path) -> None:
    workflow = document(
        [
            node("room", code="return { id: 7 };"),
            node("own", code="const room = {{ room.id }}; const event = {{ trigger.n }}; return [room, event];"),
            branch("b", yes="[6, 7].find((room) => room === {{ room.id }}) === 7"),
            node("each", "loop", collection="[1]", itemVar="one"),
            node("in", code="const one = {{ one }} + 1, i = {{ i }}; return [one, i];"),
            node("end", code="return [own, {{ in }}];"),
        ],
        "room own", "own b", "b each yes", "each in body", "each end then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow, {"n": 5})

    assert outputs(run)["end"] == [[7, 5], [2, 0]]


def test_only_top_level_names_of_code_are_in_the_scope_of_its_parameters() -> None:
    source = (
        "let a; const { b, c: [d], ...e } = {}; function f(no) { var no2; } class G {} "
        "if (a) { var h; let no3; } for (var i of []) {} for (let no4 of []) {} "
        "try {} catch (no5) { var j; } (() => { var no6; })(); const k = function no7() {};"
    )

    own = Syntax(fields.code("code", source, is_expression=False)).own

    assert sorted(own) == ["G", "a", "b", "d", "e", "f", "h", "i", "j", "k"]
