"""Every kind of binding has Cloudflare's type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, node
from workflows.compilation.typescript import CompileFailed, compile_module
from workflows.ir.reading.bindings import BindingKind

USES = {
    BindingKind.KV: "return await env.NAME.get('a');",
    BindingKind.D1: "return await env.NAME.prepare('SELECT 1').first();",
    BindingKind.R2: "return (await env.NAME.get('a'))?.size;",
    BindingKind.QUEUE: "await env.NAME.send({ any: 1 });",
    BindingKind.SERVICE: "return [(await env.NAME.fetch('http://x')).ok, await env.NAME.rpc(1)];",
    BindingKind.WORKFLOW: "return (await env.NAME.create({ params: { a: 1 } })).id;",
    BindingKind.AI: "return await env.NAME.run('@cf/any/model', { prompt: 'hello' });",
    BindingKind.VECTORIZE: "return (await env.NAME.query([1, 2], { topK: 1 })).count;",
    BindingKind.HYPERDRIVE: "return env.NAME.connectionString;",
    BindingKind.ANALYTICS: "env.NAME.writeDataPoint({ blobs: ['a'] });",
    BindingKind.BROWSER: "return (await env.NAME.fetch('http://x')).status;",
    BindingKind.EMAIL: "await env.NAME.send({ from: 'a@b.c', to: 'd@e.f', subject: 's', text: 't' });",
}


@pytest.mark.parametrize("kind", BindingKind)
def test_correct_uses_of_a_binding_compile_and_wrong_ones_do_not(
    kind: BindingKind, tmp_path: Path
) -> None:
    correct = generated(chain(node("a", code=USES[kind])), bindings={"NAME": kind})
    wrong = generated(chain(node("a", code="return env.NAME > 1;")), bindings={"NAME": kind})

    assert compile_module(correct.source, tmp_path)
    with pytest.raises(CompileFailed):
        compile_module(wrong.source, tmp_path)
