"""Live logs through Cloudflare's tail API."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

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
    send_event,
    start_run,
    wait_for_status,
    wait_until,
)
from tests.support.files import contents
from tests.support.patience import PATIENCE
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform

CLOSE = 0x88

PRINTS = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/throws") throw new TypeError("it broke");
    if (pathname === "/much") for (let at = 0; at < 40; at++) console.log("x".repeat(5000));
    console.log("served", pathname, { deep: [1, null] });
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
    with open_tail(printing, "printing") as client:
        yield client


def test_a_listener_receives_the_logs_of_a_request(printing: Platform, listener: Listener) -> None:
    before = time.time()
    printing.fetch("printing", "/here?x=1")

    event = listener.event()

    clock_resolution = 1
    assert (
        before - clock_resolution < event["eventTimestamp"] / 1000 < time.time() + clock_resolution
    )
    assert [(log["level"], log["message"]) for log in event["logs"]] == [
        ("log", ["served", "/here", {"deep": [1, None]}]),
        *((level, [level]) for level in ("debug", "info", "warn", "error")),
    ]
    assert (event["scriptName"], event["outcome"], event["exceptions"]) == ("printing", "ok", [])


def test_an_event_describes_the_request_and_its_response(
    printing: Platform, listener: Listener
) -> None:
    headers = {"host": f"printing.localhost:{printing.port}", "x-api-key": "hush", "x-a": "b"}
    request("PUT", f"http://127.0.0.1:{printing.port}/here?x=1", headers=headers)

    event = listener.event()["event"]

    assert event["request"]["method"] == "PUT"
    assert event["request"]["url"] == f"http://{headers['host']}/here?x=1"
    assert event["response"] == {"status": 201}
    logged_headers = event["request"]["headers"]
    assert (logged_headers["x-api-key"], logged_headers["x-a"]) == ("REDACTED", "b")
    assert [name for name in logged_headers if name.startswith(("x-control", "mf-"))] == []


def test_an_exception_is_reported_with_its_stack(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/throws")

    event = listener.event()

    assert event["outcome"] == "exception"
    (exception,) = event["exceptions"]
    assert (exception["name"], exception["message"]) == ("TypeError", "it broke")
    assert "worker.js:5" in exception["stack"]


def test_a_cron_event_has_its_expression(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/cdn-cgi/handler/scheduled?cron=0+5+*+*+*")

    event = listener.wait_for_log("by cron")

    assert event["event"]["cron"] == "0 5 * * *"
    assert isinstance(event["event"]["scheduledTime"], int)


PRINTING_STEP = WORKFLOW.replace(
    "async () => ({ at: Date.now() })",
    "async (ctx) => { console.warn('in a step', ctx.attempt); return { at: Date.now() }; }",
)


def test_logs_of_a_step_arrive_while_its_run_continues(platform: Platform) -> None:
    deploy_workflow(platform, "printing-step", PRINTING_STEP)
    with open_tail(platform, "printing-step") as listener:
        start_run(platform, "printing-step", wait=True)

        event = listener.wait_for_log("in a step")

    assert event["logs"][-1]["message"] == ["in a step", 1]
    assert (event["entrypoint"], event["event"]) == ("Flow", {"rpcMethod": "run"})
    assert event["open"] is True


def test_a_late_listener_receives_logs_of_an_earlier_run(platform: Platform) -> None:
    code = WORKFLOW.replace("return { attempt:", "console.log('second'); return { attempt:")
    deploy_workflow(platform, "late", code)
    instance = start_run(platform, "late", wait=True)
    wait_for_status(platform, "late", instance, "waiting")

    with open_tail(platform, "late") as listener:
        send_event(platform, "late", instance)

        assert listener.wait_for_log("second")["event"] == {"rpcMethod": "run"}


def test_a_listener_receives_only_its_own_worker(printing: Platform, listener: Listener) -> None:
    deploy_worker(printing, "other-prints", PRINTS.replace("served", "elsewhere"))
    with open_tail(printing, "printing") as second:
        printing.fetch("other-prints")
        printing.fetch("printing", "/both")

        assert "/both" in json.dumps(listener.event()["logs"])
        assert "/both" in json.dumps(second.event()["logs"])


def test_filters_exclude_events(printing: Platform) -> None:
    with open_tail(printing, "printing", outcome=["exception"]) as listener:
        printing.fetch("printing", "/fine")
        printing.fetch("printing", "/throws")

        assert listener.event()["event"]["request"]["url"].endswith("/throws")


def test_a_listener_stays_connected_after_a_deploy(printing: Platform, listener: Listener) -> None:
    deploy_worker(printing, "printing", PRINTS.replace('"served"', '"newly served"'))

    printing.fetch("printing")

    assert listener.wait_for_log("newly served")["outcome"] == "ok"
    assert live_version(printing, "printing")
    deploy_worker(printing, "printing", PRINTS)


def test_a_slow_listener_learns_how_much_was_lost(printing: Platform, listener: Listener) -> None:
    for _ in range(60):
        printing.fetch("printing", "/much")

    notice = listener.wait_for(lambda event: (event["event"] or {}).get("type") == "overload")

    assert "were lost" in notice["event"]["message"]


def test_a_url_opens_once_and_only_with_the_protocol(printing: Platform) -> None:
    parts = urlsplit(create_tail(printing, "printing")["url"])

    with ExitStack() as connections:
        statuses = []
        for protocol in ("other", "trace-v1", "trace-v1"):
            address = (parts.hostname or "", parts.port or 0)
            connection = connections.enter_context(
                socket.create_connection(address, timeout=PATIENCE)
            )
            statuses.append(open_websocket(connection, parts.path, protocol))

    assert statuses == [400, 101, 404]


def test_tails_are_read_and_deleted_through_the_sdk(printing: Platform) -> None:
    deploy_workflow(printing, "tail-sdk")
    tails = printing.client().workers.scripts.tail
    account = printing.account_id

    created = tails.create("tail-sdk", account_id=account)
    read = tails.get("tail-sdk", account_id=account)
    tails.delete(created.id, account_id=account, script_name="tail-sdk")

    assert created.url == f"ws://127.0.0.1:{printing.port}/tails/{created.id}"
    assert read.id == created.id
    assert printing.api("GET", "workers/scripts/tail-sdk/tails").json()["result"] is None


def test_a_tail_ends_with_its_worker(printing: Platform) -> None:
    deploy_workflow(printing, "tail-ends")
    parts = urlsplit(create_tail(printing, "tail-ends")["url"])
    address = (parts.hostname or "", parts.port or 0)
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        assert open_websocket(connection, parts.path) == 101

        printing.api("DELETE", "workers/scripts/tail-ends?force=true")

        assert connection.recv(1)[0] == CLOSE
        deploy_workflow(printing, "tail-ends")
        assert printing.api("GET", "workers/scripts/tail-ends/tails").json()["result"] is None


def test_events_of_listeners_are_not_stored(printing: Platform, listener: Listener) -> None:
    printing.fetch("printing", "/private-path")
    listener.wait_for_log("/private-path")

    files = contents(printing.state, "**/*")

    containing = [path for path, data in files.items() if b"private-path" in data]
    assert [path for path in containing if "logs" not in path.parts] == []


def test_the_real_wrangler_prints_events(project: Project) -> None:
    project.write(PRINTS)
    project.deploy()
    with wrangler_tail(project) as events:
        tails = f"workers/scripts/{project.name}/tails"
        wait_until(lambda: project.platform.api("GET", tails).json()["result"] is not None)
        with ThreadPoolExecutor(1) as reader:
            first = reader.submit(next, events)

            def has_event() -> bool:  # the tail is created before wrangler connects to it
                project.platform.fetch(project.name, "/by-wrangler")
                return first.done()

            wait_until(has_event)
            event = first.result()

    assert event["logs"][0]["message"] == ["served", "/by-wrangler", {"deep": [1, None]}]
