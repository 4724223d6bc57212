"""Templates in the styles of various registries load, and compile in documents that use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, node
from workflows.compilation.lenient import compile_leniently
from workflows.node_types.files import FileProblem
from workflows.node_types.loading import Outcome, State, load
from workflows.nodes.library.registry import registry

pytestmark = pytest.mark.django_db

KEY = {"type": "secret", "label": "Key", "required": True, "envVarName": "SHOP_KEY"}
ID = {"id": {"type": "string"}, "data": {"type": "object"}}
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "a response of unknown type as declared outputs": (
        {"title": {"type": "string", "label": "Title"}, "key": KEY}, ID, {"title": "A"}, """\
async function send(title: string) {
    const response = await fetch('https://shop.test/items', {
      method: 'POST', headers: { Authorization: `Bearer ${ctx.env.SHOP_KEY}` }, body: JSON.stringify({ title }),
    });
    const data = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`Shop: ${(data.error as { message?: string })?.message ?? response.status}`);
    return data;
  }
  const data = await send(ctx.config.title);
  return { id: data.id, data };""",
    ),
    "another type of output for each choice": (
        {"action": {"type": "select", "label": "Action", "options": ["One", "Many"]}},
        {"result": {"type": "string"}}, {"action": "One"}, """\
switch (ctx.config.action) {
    case 'One': return { result: 'one' };
    case 'Many': return { result: [1, 2] };
    default: throw new Error(`Unknown action: ${ctx.config.action}`);
  }""",
    ),
    "outputs that are left out": (
        {"on": {"type": "boolean", "label": "On", "default": False}}, ID | {"note": {"type": "string"}}, {},
        "if (!ctx.config.on) return { id: 'off' };\n  return { id: 'on', note: 'yes', data: {} };",
    ),
    "no declared output": (
        {"value": {"type": "json", "label": "Value"}}, {}, {"value": {"a": [1]}}, """\
const parse = (value: unknown) => (typeof value === 'string' ? JSON.parse(value) : value);
  return parse(ctx.config.value);""",
    ),
    "a null for what is missing": (
        {"most": {"type": "number", "label": "Most", "default": 10}, "text": {"type": "textarea", "label": "Text"}},
        ID, {"text": "a\nb"}, """\
const query = new URLSearchParams();
  if (ctx.config.most) query.set('limit', String(ctx.config.most));
  const lines = ctx.config.text.split('\\n').map((line) => line.trim()).filter(Boolean);
  return { id: null, data: { query: query.toString(), lines } };""",
    ),
    "a signature made with Web Crypto": (
        {"key": KEY, "call": {"type": "code", "label": "Call"}}, ID, {"call": "event.payload"}, """\
const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', bytes.encode(ctx.env.SHOP_KEY), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes.encode(JSON.stringify(ctx.config.call))));
  const form = new FormData();
  form.append('file', new Blob([signed]), 'signature');
  return { id: btoa(String.fromCharCode(...signed)), data: { size: form.get('file') } };""",
    ),
}  # fmt: skip


def _write(folder: Path) -> None:
    """Write each shape as a separate type, named `shape_<number>`."""
    for number, (fields, output, _data, body) in enumerate(SHAPES.values()):
        version = folder / f"shape_{number}" / "1.0.0"
        version.mkdir(parents=True)
        definition = {
            "id": f"shape_{number}", "name": f"Shape {number}", "version": "1.0.0",
            "description": "A shape", "category": "Data", "tags": ["shape"], "author": "us", "license": "MIT",
            "configSchema": fields, "outputSchema": output, "providers": ["cloudflare"],
            "runtime": {"defaultRetries": 3, "defaultTimeout": "30 seconds"},
        }  # fmt: skip
        (version / "node.json").write_text(json.dumps(definition))
        template = f"export default async function (ctx) {{\n  {body}\n}}\n"
        (version / "template.ts").write_text(template)


def test_every_shape_loads_and_compiles_in_a_document(tmp_path: Path) -> None:
    _write(tmp_path / "types")

    outcomes = load(tmp_path / "types", by="a test")

    assert {outcome.state for outcome in outcomes} == {State.LOADED}, _errors(outcomes)
    types = registry(
        {"definition": outcome.files.value, "template": outcome.files.template}
        for outcome in outcomes
    )
    nodes = [
        node(f"n{number}", f"shape_{number}", **data)
        for number, (_, _, data, _) in enumerate(SHAPES.values())
    ]
    last = ", ".join(item["id"] for item in nodes)
    module = generated(
        chain(*nodes, node("last", code=f"return [{last}];")),
        types=types,
        variables=frozenset({"SHOP_KEY"}),
    )
    assert compile_leniently(module, tmp_path).script


def _errors(outcomes: list[Outcome]) -> list[FileProblem]:
    return [problem for outcome in outcomes for problem in outcome.problems if problem.is_error]
