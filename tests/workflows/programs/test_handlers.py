from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import refusal
from tests.workflows.ir.documents import chain, node
from tests.workflows.programs.harness.workers import Run, compiled, run_all

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
    workflows = {
        "Post": chain(step, trigger={"type": "http"}),
        "Get": chain(step, trigger={"type": "http", "method": "GET", "path": "/go"}),
        "Manual": chain(step),
    }
    requests = [
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
        _ask("Post", "POST", body='{"id": [9007199254740993]}'),
        _ask("Post", "POST", body='{"id": 9007199254740992, "text": "9007199254740993"}'),
        _ask("Post", "POST", body="9" * 400),
        _ask("Post", "POST", body='{"id": 9007199254740993.0}'),
        _ask("Post", "POST", body='{"id": -1e400}'),
        _ask("Post", "POST", body=f'"{"x" * 1_048_575}"'),
    ]

    results = run_all(compiled(workflows, tmp_path), requests)

    statuses = [result["status"] for result in results]
    assert statuses == [
        200,
        200,
        400,
        405,
        404,
        404,
        404,
        200,
        404,
        404,
        400,
        200,
        400,
        400,
        400,
        413,
    ]
    assert "cannot hold 9007199254740993 exactly" in results[10]["text"]
    started = json.loads(results[0]["text"])
    assert started["id"] == started["instanceId"]
    assert started["details"]["status"] in ("queued", "running", "complete")
    assert results[3]["headers"]["allow"] == "POST"
    assert "POST / with a JSON body" in json.loads(results[3]["text"])["error"]
    assert "started from its page" in json.loads(results[9]["text"])["error"]


def test_entry_code_replaces_the_handlers(tmp_path: Path) -> None:
    modules = compiled({"Own": chain(node("a"))}, tmp_path, entry_code=OWN)

    (result,) = run_all(modules, [_ask("Own")], variables={"NAME": "a"})

    assert json.loads(result["text"]) == {"hash": "0cc175b9c0f1b6a831c399e269772661"}
    assert "return { fetch: handle, scheduled };" in modules["Own"]


REFUSED = {
    "const a = 1": "export one of",
    "export default { fetch() {} }": 'export only "fetch", "queue", "scheduled", by name',
    "export function fetched() {}": "fetched is not a handler of a Worker",
    "export function fetch() {": "line 1",
    "export * from 'node:fs'": "by name",
}


@pytest.mark.parametrize("code", REFUSED)
def test_entry_code_that_does_not_export_handlers_is_refused(code: str) -> None:
    problem = refusal(chain(node("a")), entry_code=code)

    assert problem.startswith("entryCode: ")
    assert REFUSED[code] in problem


def _call(workflow: str, handler: str, event: Any) -> Run:
    request = {"method": "POST", "calls": handler, "body": json.dumps(event)}
    return Run(workflow=workflow, request=request)


def test_the_cron_handler_starts_a_run_with_its_schedule(tmp_path: Path) -> None:
    step = node("a", code="return event.payload.schedule")
    workflow = chain(step, trigger={"type": "cron", "expression": "0 8 * * MON"})
    event = {"cron": "0 8 * * MON", "scheduledTime": 1_700_000_000_000, "type": "scheduled"}

    modules = compiled({"Weekly": workflow}, tmp_path)
    called, shown = run_all(modules, [_call("Weekly", "scheduled", event), _ask("Weekly", "POST")])

    (run,) = called["runs"]
    assert run["steps"][0]["output"] == {
        "cron": "0 8 * * MON",
        "scheduledTime": 1_700_000_000_000,
    }
    assert shown["status"] == 404
    assert '"0 8 * * MON" in UTC' in json.loads(shown["text"])["error"]


def test_each_message_of_a_queue_starts_one_run_however_often_it_is_delivered(
    tmp_path: Path,
) -> None:
    step = node("a", code="return event.payload")
    workflow = chain(step, trigger={"type": "queue", "queue": "orders"})
    plain, odd = {"id": "a1", "body": {"n": 1}}, {"id": "no id: ä", "body": "text"}

    modules = compiled({"Orders": workflow}, tmp_path)
    called, shown = run_all(
        modules,
        [
            _call("Orders", "queue", {"queue": "orders", "messages": [plain, odd, plain]}),
            _ask("Orders", "POST"),
        ],
    )

    assert [run["steps"][0]["output"] for run in called["runs"]] == [{"n": 1}, "text"]
    assert called["done"] == ["ack a1", "ack no id: ä", "ack a1"]
    assert 'the queue "orders"' in json.loads(shown["text"])["error"]


@pytest.mark.long
def test_a_message_that_cannot_start_a_run_is_retried_without_blocking_others(
    tmp_path: Path,
) -> None:
    workflow = chain(node("a"), trigger={"type": "queue", "queue": "orders"})
    refused = "a" * 200
    code = compiled({"Orders": workflow}, tmp_path)["Orders"].replace("{0,99}", "*")
    messages = [{"id": refused, "body": 1}, {"id": "b", "body": 2}]

    (called,) = run_all({"Orders": code}, [_call("Orders", "queue", {"messages": messages})])

    assert called["done"] == [f"retry {refused}", "ack b"]


@pytest.mark.long
def test_an_event_only_starts_runs_through_the_api_of_awaitstep(tmp_path: Path) -> None:
    workflow = chain(node("a"), trigger={"type": "event", "eventType": "paid"})

    (result,) = run_all(compiled({"Paid": workflow}, tmp_path), [_ask("Paid", "POST")])

    assert result["status"] == 404
    assert "POST /api/events/paid on AwaitStep" in json.loads(result["text"])["error"]


@pytest.mark.long
def test_a_path_is_compared_in_its_url_encoding(tmp_path: Path) -> None:
    paths = ["/größe/{x}", "/a%20b", "//two", "/[1]|2^3'!~"]
    workflows = {
        f"Path{at}": chain(node("a"), trigger={"type": "http", "path": path})
        for at, path in enumerate(paths)
    }
    requests = [_ask(f"Path{at}", "POST", f"http://x{path}") for at, path in enumerate(paths)]

    results = run_all(compiled(workflows, tmp_path), requests)

    assert [result["status"] for result in results] == [200] * len(paths)


@pytest.mark.long
def test_entry_code_without_the_handler_of_the_trigger_gets_the_default(tmp_path: Path) -> None:
    step = node("a", code="return event.payload.schedule.cron")
    workflow = chain(step, trigger={"type": "cron", "expression": "0 0 1 * *"})
    own = "export function fetch() { return new Response('custom') }"
    event = {"cron": "0 0 1 * *", "scheduledTime": 0}

    modules = compiled({"Monthly": workflow}, tmp_path, entry_code=own)
    called, answered = run_all(modules, [_call("Monthly", "scheduled", event), _ask("Monthly")])

    assert called["runs"][0]["steps"][0]["output"] == "0 0 1 * *"
    assert answered["text"] == "custom"
