"""Live logs, over Cloudflare's tail API."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.tails import (
    Listener,
    create_tail,
    open_tail,
    open_websocket,
    wrangler_tail,
)
from tests.local_cloudflare.support.workers import (
    WORKFLOW,
    deploy_worker,
    deploy_workflow,
    live_version,
    start_run,
    wait_for,
    workflow_binding,
)
from tests.support.files import contents
from tests.support.platform_fixture import Platform

PRINTS = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/throws") throw new TypeError("it broke");
    if (pathname === "/much") for (let at = 0; at < 40; at++) console.log("x".repeat(5000));
    console.log("heard", pathname, { deep: [1, null] });
    for (const level of ["debug", "info", "warn", "error"]) console[level](level);
    return new Response("printed", { status: 201 });
  },
  scheduled({ cron }) { console.log("by cron", cron); },
};
"""


@pytest.fixture(scope="module")
def printing(platform: Platform) -> Platform:
    deploy_worker(platform, "printing", PRINTS)
    return platform


@pytest.fixture
def listener(printing: Platform) -> Iterator[Listener]:
    with open_tail(printing, "printing") as one:
        yield one


def test_a_listener_hears_what_a_request_prints(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/here?x=1")

    event = listener.event()

    assert [(log["level"], log["message"]) for log in event["logs"]] == [
        ("log", ["heard", "/here", {"deep": [1, None]}]),
        *((level, [level]) for level in ("debug", "info", "warn", "error")),
    ]
    assert (event["scriptName"], event["outcome"], event["exceptions"]) == ("printing", "ok", [])
    assert abs(event["eventTimestamp"] / 1000 - time.time()) < 10


def test_an_event_names_the_request_and_its_answer(printing: Platform, listener: Listener) -> None:
    headers = {"host": f"printing.localhost:{printing.port}", "x-api-key": "hush", "x-a": "b"}
    httpx.put(f"http://127.0.0.1:{printing.port}/here?x=1", headers=headers, timeout=30)

    told = listener.event()["event"]

    assert told["request"]["method"] == "PUT"
    assert told["request"]["url"] == f"http://{headers['host']}/here?x=1"
    assert told["response"] == {"status": 201}
    seen = told["request"]["headers"]
    assert (seen["x-api-key"], seen["x-a"]) == ("REDACTED", "b")
    assert [name for name in seen if name.startswith(("x-control", "mf-"))] == []


def test_an_exception_is_told_with_its_stack(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/throws")

    event = listener.event()

    assert event["outcome"] == "exception"
    (thrown,) = event["exceptions"]
    assert (thrown["name"], thrown["message"]) == ("TypeError", "it broke")
    assert "worker.js:5" in thrown["stack"]


def test_a_cron_is_told_with_its_expression(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/cdn-cgi/handler/scheduled?cron=0+5+*+*+*")

    event = listener.hear("by cron")

    assert event["event"]["cron"] == "0 5 * * *"
    assert isinstance(event["event"]["scheduledTime"], int)


SAYING = WORKFLOW.replace(
    "async () => ({ at: Date.now() })",
    "async (ctx) => { console.warn('in a step', ctx.attempt); return { at: Date.now() }; }",
)


def test_a_step_is_heard_while_its_run_goes_on(platform: Platform) -> None:
    deploy_worker(platform, "saying", SAYING, workflow_binding("saying"))
    body = {"script_name": "saying", "class_name": "Flow"}
    platform.api("PUT", "workflows/saying", json=body)
    with open_tail(platform, "saying") as listener:
        start_run(platform, "saying", wait=True)

        event = listener.hear("in a step")

    assert event["logs"][-1]["message"] == ["in a step", 1]
    assert (event["entrypoint"], event["event"]) == ("Flow", {"rpcMethod": "run"})
    assert event["open"] is True


def test_who_listens_late_hears_a_run_that_went_on_before(platform: Platform) -> None:
    code = WORKFLOW.replace("return { attempt:", "console.log('second'); return { attempt:")
    deploy_worker(platform, "late", code, workflow_binding("late"))
    platform.api("PUT", "workflows/late", json={"script_name": "late", "class_name": "Flow"})
    instance = start_run(platform, "late", wait=True)
    path = f"workflows/late/instances/{instance}"
    wait_for(lambda: platform.api("GET", path).json()["result"]["status"], "waiting")

    with open_tail(platform, "late") as listener:
        platform.api("POST", f"{path}/events/call", json=1)

        assert listener.hear("second")["event"] == {"rpcMethod": "run"}


def test_each_listener_hears_its_own_worker_alone(printing: Platform, listener: Listener) -> None:
    deploy_worker(printing, "other-prints", PRINTS.replace("heard", "elsewhere"))
    with open_tail(printing, "printing") as second:
        printing.fetch("other-prints")
        printing.fetch("printing", "/both")

        assert "/both" in json.dumps(listener.event()["logs"])
        assert "/both" in json.dumps(second.event()["logs"])


def test_filters_keep_events_away(printing: Platform) -> None:
    with open_tail(printing, "printing", outcome=["exception"]) as listener:
        printing.fetch("printing", "/fine")
        printing.fetch("printing", "/throws")

        assert listener.event()["event"]["request"]["url"].endswith("/throws")


def test_a_listener_goes_on_after_a_deploy(printing: Platform, listener: Listener) -> None:
    deploy_worker(printing, "printing", PRINTS.replace('"heard"', '"newly heard"'))

    printing.fetch("printing")

    assert listener.hear("newly heard")["outcome"] == "ok"
    assert live_version(printing, "printing")
    deploy_worker(printing, "printing", PRINTS)


def test_a_slow_listener_is_told_how_much_it_lost(printing: Platform, listener: Listener) -> None:
    for _ in range(60):
        printing.fetch("printing", "/much")

    notice = listener.until(lambda event: (event["event"] or {}).get("type") == "overload")

    assert "were lost" in notice["event"]["message"]


def test_a_url_opens_once_and_not_without_the_protocol(printing: Platform) -> None:
    parts = urlsplit(create_tail(printing, "printing")["url"])

    with ExitStack() as open_ones:
        statuses = []
        for protocol in ("other", "trace-v1", "trace-v1"):
            address = (parts.hostname or "", parts.port or 0)
            connection = open_ones.enter_context(socket.create_connection(address, timeout=15))
            statuses.append(open_websocket(connection, parts.path, protocol))

    assert statuses == [400, 101, 404]


def test_tails_are_listed_and_deleted_through_the_sdk(printing: Platform) -> None:
    deploy_workflow(printing, "tail-sdk")
    tails = printing.client().workers.scripts.tail
    account = printing.account_id

    made = tails.create("tail-sdk", account_id=account)
    listed = printing.api("GET", "workers/scripts/tail-sdk/tails").json()["result"]
    tails.delete(made.id, account_id=account, script_name="tail-sdk")

    assert made.url == f"ws://127.0.0.1:{printing.port}/tails/{made.id}"
    assert [tail["id"] for tail in listed] == [made.id]
    assert printing.api("GET", "workers/scripts/tail-sdk/tails").json()["result"] == []


def test_nothing_of_what_listeners_hear_is_kept(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/seldom-said-path")
    listener.hear("/seldom-said-path")

    files = contents(printing.state, "**/*")

    kept = [path for path, data in files.items() if b"seldom-said" in data]
    assert [path for path in kept if "logs" not in path.parts] == []


def test_the_real_wrangler_prints_what_it_hears(project: Project) -> None:
    project.write(PRINTS)
    project.deploy()
    with wrangler_tail(project) as told:
        tails = f"workers/scripts/{project.name}/tails"
        wait_for(lambda: len(project.platform.api("GET", tails).json()["result"]), 1)
        with ThreadPoolExecutor(1) as reader:
            first = reader.submit(next, told)

            def heard() -> str:  # the tail is made before wrangler connects to it
                project.platform.fetch(project.name, "/by-wrangler")
                return "heard" if first.done() else "silent"

            wait_for(heard, "heard")
            event = first.result()

    assert event["logs"][0]["message"] == ["heard", "/by-wrangler", {"deep": [1, None]}]
