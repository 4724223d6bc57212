"""Everyday JavaScript must compile: nobody declares types in a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.programs.harness.workers import Run, run_all
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed, compile_modules

LOOSE = [
    "const d = await (await fetch('http://x')).json(); return d.ip;",
    "const d = await (await fetch('http://x')).json<{ ip: string }>(); return d.ip.length;",
    "return (await new Request('http://x').json()).a.b;",
    "return (await new Response('{}').clone().json()).a;",
    "return JSON.parse(event.payload).a;",
    "const { a, ...rest } = event.payload; return a.b + rest.c;",
    "for (const one of event.payload) { await fetch(one); }",
    "event.payload.done = true; return event.payload + 1;",
    "return (await env.MY_KV.get('a')).toUpperCase();",
    "return (await (await env.MY_BUCKET.get('a')).json()).b;",
    "return JSON.parse(wait.payload).a + wait.type.length;",
    "const r = await env.AI.run('@cf/x/y', { prompt: 'a' }); return r.response;",
    "let x; x = 1; x = 'a'; return x.length;",
    "const all = []; all.push(1); all.push('a'); return all;",
]


def test_loose_code_compiles(tmp_path: Path) -> None:
    wait = node("wait", "wait_for_event", eventType="paid")
    sources = {
        f"{index}.ts": generated(chain(wait, node("a", code=code))).source
        for index, code in enumerate(LOOSE)
    }

    assert len(compile_modules(sources, tmp_path)) == len(LOOSE)


def test_certain_mistakes_do_not_compile(tmp_path: Path) -> None:
    wrong = "const answer = await fetch('http://x'); return answer.jsn();"

    with pytest.raises(CompileFailed, match="jsn"):
        compile_modules({"a.ts": generated(chain(node("a", code=wrong))).source}, tmp_path)


RESHAPED = {
    "const o = {}; o.a = 1; o['b'] = 'x'; return o.a + o.b;": "1x",
    "const out = { list: [] }; out.list.push({ a: 1 }); out.list[0].b = out.total = 2; return out.total;": 2,
    "let x = 1; x = 'ab'; return x.length;": 2,
    "let o = { a: 1 }; o = { a: 2, b: 3 }; o.a = 'text'; return o.b;": 3,
    "const list = [1]; list.push('a'); list.total = 3; return list.total;": 3,
    "class A { constructor() { this.x = 4; } } return new A().x;": 4,
    "function f(a, b) { return arguments.length; } return f(1) + f(1, 2, 3);": 4,
    "const get = (options = {}) => options.method ?? 'GET'; return get();": "GET",
    "const e = new Error('no'); e.status = 404; const { status } = e; return status;": 404,
    "const rows = [{ n: 2 }]; for (const row of rows) row.twice = row.n * 2; return rows[0].twice;": 4,
    "const start = new Date(0); return new Date(5) - start;": 5,
    "await new Promise((resolve) => resolve()); return '3' * 2 === '6';": False,
    "const a = { a: 1 }, b = { b: 2 }; const f = () => { if (a.a) return a; return b; }; return f().b ?? 'no';": "no",
    "const mixed = [1, { y: 2 }]; return mixed[1].y;": 2,
    "const o = { a: 1 }; return o.b ?? parseInt(5);": 5,
    "var v = 1; var v = 'a'; return v;": "a",
}


def test_code_that_reshapes_its_own_values_runs(tmp_path: Path) -> None:
    steps = [node(f"n{at}", code=code, retryLimit=0) for at, code in enumerate(RESHAPED)]
    shown = ", ".join(step["id"] for step in steps)
    module = generated(chain(*steps, node("all", code=f"return [{shown}];")))

    script = compile_leniently(module, tmp_path).script

    (run,) = run_all({"Flow": script}, [Run(workflow="Flow")])
    assert run["output"] == list(RESHAPED.values())


def _reads_reshaped_values(code: str) -> dict[str, object]:
    """Return a document whose loop and branch read an object that got more properties later."""
    return document(
        [
            node("first", code="const made = {}; made.list = [1]; made.sum = 5; return made;"),
            node("typed", code="return { total: 1 };"),
            node("shapes", code="const a = { b: { inner: 1 } }, c = { d: 1 }; if (a.b) return a; return c;"),
            node("each", "loop", collection="{{ first.list }}"),
            branch("b", yes="first.sum > item"),
            node("made", code="const one = { item }; one.sum = first.sum; return one;"),
            node("after", code=code),
        ],
        "first typed", "typed shapes", "shapes each", "each b body", "b made yes", "each after then",
    )  # fmt: skip


def test_readers_of_a_reshaped_output_compile_and_run(tmp_path: Path) -> None:
    module = generated(
        _reads_reshaped_values("return [made.sum, {{ first.sum }}, shapes.d ?? typed.total];")
    )

    (run,) = run_all({"Flow": compile_leniently(module, tmp_path).script}, [Run(workflow="Flow")])

    assert run["output"] == [5, 5, 1]


WRONG = {
    "return typed.totl;": "totl",
    "return shapes.totl;": "totl",
    "return shapes.inner;": "inner",
    "typed.totl = 1; return typed;": "totl",
    "const o = {}; o.a = 1; return o.a + typed.totl;": "totl",
    "const o: { a: number } = { a: 1 }; o.b = 2; return o;": "'b'",
    "const answer = await fetch('http://x'); answer.seen = true; return answer.jsn();": "jsn",
    "const o = {}; o.a = missing; return o;": "missing",
    "return await fetch('http://x', { metod: 'POST' });": "metod",
    "const n: number = 'a'; return n;": "string",
}


@pytest.mark.parametrize("code", WRONG)
def test_only_real_mistakes_are_reported_next_to_loose_code(code: str, tmp_path: Path) -> None:
    module = generated(_reads_reshaped_values(code))

    with pytest.raises(CompileFailed, match=WRONG[code]) as failed:
        compile_leniently(module, tmp_path)

    (error,) = failed.value.diagnostics
    location = module.locate(error.line, error.column)
    assert (location and location.path) == "nodes.after.data.code"


def test_loose_entry_code_compiles_and_its_mistakes_are_reported(tmp_path: Path) -> None:
    entry = "const seen = {}; seen.at = 1; export const fetch = () => Response.json(seen.at"
    correct = generated(chain(node("a")), entry_code=f"{entry});")
    wrong = generated(chain(node("a")), entry_code=f"{entry} + missing);")

    assert "seen.at" in compile_leniently(correct, tmp_path).script
    with pytest.raises(CompileFailed, match="missing") as failed:
        compile_leniently(wrong, tmp_path)
    assert len(failed.value.diagnostics) == 1
