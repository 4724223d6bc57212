from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.codegen.modules import refusal
from tests.generated.workers import Run, compiled, run_all
from tests.ir.documents import chain, node

OWN = """\
import { createHash } from 'node:crypto';

interface Answer { hash: string }
const seen: string[] = [];
export type Unused = Answer;

async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  seen.push(request.method);
  const answer: Answer = { hash: createHash('md5').update(env.NAME).digest('hex') };
  return Response.json(answer);
}
export { handle as fetch };
export const scheduled = async () => { /* nothing */ };
"""


def _ask(workflow: str, method: str = "GET", path: str = "/", **more: Any) -> Run:
    return Run(workflow=workflow, request={"path": path, "method": method, **more})


def test_the_default_handlers_start_and_show_runs(tmp_path: Path) -> None:
    step = node("a", code="return event.payload")
    drawn = {
        "Post": chain(step, trigger={"type": "http"}),
        "Get": chain(step, trigger={"type": "http", "method": "GET", "path": "/go"}),
        "Manual": chain(step),
    }
    asked = [
        _ask("Post", "POST", body='{"a": 1}'),
        _ask("Post", "POST", "/?a=1"),
        _ask("Post", "POST", body="{"),
        _ask("Post", "GET"),
        _ask("Post", "POST", "/other"),
        _ask("Post", "GET", "/favicon.ico"),
        _ask("Post", "GET", "/?instanceId=none"),
        _ask("Get", "GET", "/go?a=1"),
        _ask("Get", "GET", "/"),
        _ask("Manual", "POST"),
    ]

    found = run_all(compiled(drawn, tmp_path), asked)

    statuses = [one["status"] for one in found]
    assert statuses == [200, 200, 400, 405, 404, 404, 404, 200, 404, 404]
    started = json.loads(found[0]["text"])
    assert started["id"] == started["instanceId"]
    assert started["details"]["status"] in ("queued", "running", "complete")
    assert found[3]["headers"]["allow"] == "POST"
    assert "POST / with a JSON body" in json.loads(found[3]["text"])["error"]
    assert "started from its page" in json.loads(found[9]["text"])["error"]


def test_own_entry_code_replaces_the_handlers(tmp_path: Path) -> None:
    modules = compiled({"Own": chain(node("a"))}, tmp_path, entry_code=OWN)

    (found,) = run_all(modules, [_ask("Own")], variables={"NAME": "a"})

    assert json.loads(found["text"]) == {"hash": "0cc175b9c0f1b6a831c399e269772661"}
    assert "return { fetch: handle, scheduled };" in modules["Own"]


REFUSED = {
    "const a = 1": "export one of",
    "export default { fetch() {} }": 'export "fetch", "queue", "scheduled" by their names',
    "export function fetched() {}": "fetched is no handler of a Worker",
    "export function fetch() {": "line 1",
    "export * from 'node:fs'": "by their names",
}


@pytest.mark.parametrize("code", REFUSED)
def test_entry_code_that_is_no_set_of_handlers_is_refused(code: str) -> None:
    refused = refusal(chain(node("a")), entry_code=code)

    assert refused.startswith("entryCode: ")
    assert REFUSED[code] in refused
