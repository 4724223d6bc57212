from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.test_literals import NASTY
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.programs.harness.echo import echoing
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all

SAMPLE = Path(__file__).parents[3] / "workflows" / "samples" / "guide.ir.json"
FAST: dict[str, Any] = {"retryLimit": 1, "retryDelay": 10, "backoff": "constant"}


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The address of a server that answers with the request itself."""
    with echoing() as address:
        yield address


def _request_node(id_: str, **data: Any) -> dict[str, Any]:
    return node(id_, "http_request", **(FAST | data))


def test_requests_are_sent_as_configured(echo: str, tmp_path: Path) -> None:
    workflow = chain(
        node("first", code="return { id: 7, tags: ['a', 'b'], text: 'a b&c' };"),
        _request_node("get", url=f"{echo}/items/{{{{ first.id }}}}?x=1",
               queryParams={"q": "{{ first.text }}", "n": 1, "list": [1]},
               headers='{"X-Id": {{ first.id }}, "X-Text": "id {{ first.id }}"}'),
        _request_node("json", method="POST", url=f"{echo}/json", body={"id": "{{ first.id }}", "t": [
            "{{ first.tags }}", "tags: {{ first.tags[1] }}", True, None]}),
        _request_node("text", method="PUT", url=f"{echo}/text", body="'plain ' + first.id"),
        _request_node("object", method="POST", url=f"{echo}/object", body="({ a: first.id })"),
        _request_node("template", method="POST", url=f"{echo}/t", body='{"id": {{ first.id }}, "s": "{{ first.id }}!"}'),
        _request_node("own", method="POST", url=f"{echo}/o", body=[1], headers={"Content-Type": "a/b"}),
        _request_node("keys", method="POST", url=f"{echo}/k", headers={"X-{{ first.id }}": "1"},
               body={"{{ first.id }}": {"n {{ first.id }}": 1}}),
    )  # fmt: skip

    (run,) = run_all(compiled({"Ask": workflow}, tmp_path), [Run(workflow="Ask")])

    values = outputs(run)
    get = values["get"]["body"]
    assert get["path"] == "/items/7?x=1&q=a+b%26c&n=1&list=1"
    assert (get["headers"]["x-id"], get["headers"]["x-text"]) == ("7", "id 7")
    assert values["get"]["status"] == 200
    assert values["get"]["headers"]["content-type"] == "application/json"
    assert json.loads(values["json"]["body"]["body"]) == {
        "id": 7, "t": [["a", "b"], "tags: b", True, None],
    }  # fmt: skip
    assert values["json"]["body"]["headers"]["content-type"] == "application/json"
    assert json.loads(values["text"]["body"])["body"] == "plain 7"
    assert json.loads(values["object"]["body"]["body"]) == {"a": 7}
    assert json.loads(values["template"]["body"]["body"]) == {"id": 7, "s": "7!"}
    assert values["own"]["body"]["headers"]["content-type"] == "a/b"
    assert values["keys"]["body"]["headers"]["x-7"] == "1"
    assert json.loads(values["keys"]["body"]["body"]) == {"7": {"n 7": 1}}


STATUSES = {404: 1, 400: 1, 408: 2, 425: 2, 429: 2, 500: 2, 503: 2}


def test_only_temporary_statuses_are_retried(echo: str, tmp_path: Path) -> None:
    workflows = {
        f"S{status}": chain(_request_node("ask", url=f"{echo}/status/{status}?secret=1"))
        for status in STATUSES
    }

    results = run_all(compiled(workflows, tmp_path), [Run(workflow=name) for name in workflows])

    tries = {
        status: len(run["steps"][0]["attempts"])
        for status, run in zip(STATUSES, results, strict=True)
    }
    assert tries == STATUSES
    assert {run["status"] for run in results} == {"errored"}
    message = results[0]["error"]["message"]
    assert message.startswith(f"GET {echo}/status/404 answered 404: ")  # the query may be secret


@pytest.mark.long
def test_a_request_that_never_fails_returns_its_status(echo: str, tmp_path: Path) -> None:
    workflow = chain(_request_node("ask", url=f"{echo}/status/404", failOn="never"))

    (run,) = run_all(compiled({"Never": workflow}, tmp_path), [Run(workflow="Never")])

    assert outputs(run)["ask"]["status"] == 404


def test_code_as_people_write_it_runs(tmp_path: Path) -> None:
    workflow = chain(
        node("a", code="return { ok: true, at: new Date(0) };"),
        node("b", code="import { createHash } from 'node:crypto';\n"
                       "return createHash('md5').update('a').digest('hex') + ctx.attempt;"),
        node("c", "sleep", duration=10),
        node("d", code="return a.ok === false ? 'no' : event.payload.some.thing;"),
        node("e", "sleep_until", timestamp="Date.now() + 200 + a.at.getTime()"),
        node("f", "sleep_until", timestamp="{{ trigger.when }}"),
        node("g", code="this.env.NAME; const { NAME } = env; return `${NAME} ${env['NAME']}`;"),
        node("h", retryLimit=3, retryDelay=1, code="throw new NonRetryableError('enough');"),
    )  # fmt: skip
    soon = datetime.now(tz=UTC) + timedelta(seconds=4)
    payload = {"some": {"thing": [1]}, "when": soon.isoformat()}

    (run,) = run_all(
        compiled({"Code": workflow}, tmp_path, variables=frozenset({"NAME"})),
        [Run(workflow="Code", params=payload)],
        variables={"NAME": "me"},
    )

    assert names(run) == ["a", "b", "c", "d", "e: value", "e", "f", "g", "h"]
    assert outputs(run)["b"] == "0cc175b9c0f1b6a831c399e2697726611"
    assert outputs(run)["d"] == [1]
    assert outputs(run)["g"] == "me me"
    assert (run["status"], run["error"]["message"]) == ("errored", "enough")
    assert len(run["steps"][-1]["attempts"]) == 1


@pytest.mark.long
def test_a_received_event_has_its_payload(tmp_path: Path) -> None:
    workflow = document(
        [
            branch("b", wait="{{ trigger.waits }}", no=""),
            node("paid", "wait_for_event", eventType="paid-{{ trigger.id }}", timeout="1 minute"),
            node("after", code="return [paid?.payload.sum, paid?.type, {{ paid }} === paid];"),
        ],
        "b paid wait", "paid after", "b after no",
    )  # fmt: skip
    event = {"type": "paid-7", "payload": {"sum": 12}}

    results = run_all(
        compiled({"Wait": workflow}, tmp_path),
        [
            Run(workflow="Wait", params={"waits": True, "id": 7}, event=event),
            Run(workflow="Wait", params={"waits": False}),
        ],
    )

    assert [outputs(result)["after"] for result in results] == [
        [12, "paid-7", True],
        [None, None, True],
    ]


def test_text_of_a_document_never_becomes_code(tmp_path: Path) -> None:
    strings = [text for text in NASTY if text and text.isprintable() and "{{" not in text]
    workflow = document(
        [
            branch("b", **dict.fromkeys(["`${x}` */ \u2028 // '\""], "")),
            *(node(f"n{i}", name=text, code="return 1") for i, text in enumerate(strings)),
        ],
        "b n0 `${x}` */ \u2028 // '\"",
        *(f"n{i} n{i + 1}" for i in range(len(strings) - 1)),
        trigger={"type": "http", "path": "/`${x}`*/"},
    )
    # Lone surrogates and control characters are refused.
    workflow["metadata"]["name"] = "".join(each for each in "".join(NASTY) if each.isprintable())[
        :256
    ]

    (run,) = run_all(compiled({"Nasty": workflow}, tmp_path), [Run(workflow="Nasty")])

    assert names(run) == strings


def test_the_workflow_of_the_guide_runs_as_described(echo: str, tmp_path: Path) -> None:
    workflow = json.loads(SAMPLE.read_text())
    workflow["nodes"][2]["data"]["duration"] = "1 second"
    workflow["nodes"][3]["config"]["retries"]["delay"] = "1 second"

    (run,) = run_all(
        compiled({"Guide": workflow}, tmp_path, variables=frozenset({"CLOUDFLARE_API"})),
        [Run(workflow="Guide", params={"hello": "world"})],
        variables={"CLOUDFLARE_API": echo},
    )

    first, second, pause, write = run["steps"]
    assert first["output"]["inputParams"]["payload"] == {"hello": "world"}
    assert second["output"]["path"] == "/ips"
    assert pause["type"] == "sleep"
    assert [attempt["success"] for attempt in write["attempts"]] == [False, True]
    assert write["attempts"][0]["error"]["message"] == "API call to $STORAGE_SYSTEM failed"
    assert write["config"]["timeout"] == "15 minutes"


@pytest.mark.long
def test_an_invalid_date_ends_the_run_with_its_cause(tmp_path: Path) -> None:
    workflow = chain(node("wait", "sleep_until", timestamp="{{ trigger.when }}"))
    payloads = [{"when": "31.01."}, {}, {"when": None}]

    results = run_all(
        compiled({"Until": workflow}, tmp_path),
        [Run(workflow="Until", params=payload) for payload in payloads],
    )

    assert [run["error"]["message"] for run in results] == [
        '"wait": timestamp must be a valid date, not "31.01."',
        '"wait": timestamp must be a valid date, not undefined',
        '"wait": timestamp must be a valid date, not null',
    ]
