"""JavaScript as people write it must compile: nobody declares types in a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.tools.compile import CompileFailed, compile_modules
from tests.codegen.modules import generated
from tests.ir.documents import chain, node

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


def test_what_is_certainly_wrong_does_not(tmp_path: Path) -> None:
    wrong = "const answer = await fetch('http://x'); return answer.jsn();"

    with pytest.raises(CompileFailed, match="jsn"):
        compile_modules({"a.ts": generated(chain(node("a", code=wrong))).source}, tmp_path)
