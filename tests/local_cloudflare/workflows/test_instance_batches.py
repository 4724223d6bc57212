"""Many runs at once, and what the platform makes of many runs."""

from __future__ import annotations

import time
from typing import Any

import psutil
import pytest

from tests.local_cloudflare.support.workers import (
    deploy_workflow,
    describe_run,
    group_pid,
    run_status,
    start_run,
    wait_for,
    wait_for_output,
)
from tests.support.platform_fixture import Platform

NAME = "batches"
PATH = f"workflows/{NAME}/instances"


@pytest.fixture(scope="module")
def batches(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME)
    return platform


def post(platform: Platform, call: str, body: object) -> Any:
    answer = platform.api("POST", f"{PATH}/{call}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_batch_answers_for_each_of_its_runs(batches: Platform) -> None:
    begin_again = {"instance_id": "twice", "params": "{}"}
    post(batches, "batch", [begin_again])

    answer = post(batches, "batch", [{"instance_id": "fresh"}, begin_again, {"params": {"a": 1}}])

    first, second = answer["result"]
    assert first["id"] == "fresh"
    assert describe_run(batches, NAME, second["id"]).params == {"a": 1}
    (refused,) = answer["messages"]
    assert refused["code"] == 10405
    assert "twice" in refused["message"]


@pytest.mark.parametrize("body", [[], [{}] * 101, {}, [None], [{"instance_id": "no/id"}]])
def test_a_batch_that_cannot_be_is_refused_whole(batches: Platform, body: object) -> None:
    before = batches.api("GET", PATH).json()["result_info"]["total_count"]

    answer = batches.api("POST", f"{PATH}/batch", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 10401)
    assert batches.api("GET", PATH).json()["result_info"]["total_count"] == before


@pytest.mark.parametrize("reserved", ["batch", "terminate", "terminateAll"])
def test_no_run_is_called_like_a_call(batches: Platform, reserved: str) -> None:
    answer = batches.api("POST", PATH, json={"instance_id": reserved})

    assert answer.status_code == 400


def test_a_batch_is_terminated(batches: Platform) -> None:
    waits = [start_run(batches, NAME, wait=True) for _ in range(3)]
    done = start_run(batches, NAME)
    wait_for_output(batches, NAME, done)

    answer = post(batches, "batch/terminate", [*waits, done, "nobody"])["result"]

    assert answer == {"status": "ok", "instancesTerminated": 3}
    assert {run_status(batches, NAME, one) for one in waits} == {"terminated"}
    assert run_status(batches, NAME, done) == "complete"


def test_those_of_one_status_are_terminated(batches: Platform) -> None:
    paused, waiting = (start_run(batches, NAME, wait=True) for _ in range(2))
    wait_for(lambda: run_status(batches, NAME, paused), "waiting")
    batches.api("PATCH", f"{PATH}/{paused}/status", json={"status": "pause"})
    wait_for(lambda: run_status(batches, NAME, paused), "paused")

    begun = batches.api("PUT", f"{PATH}/terminate?status=paused").json()["result"]

    assert begun == {"status": "ok"}
    wait_for(lambda: run_status(batches, NAME, paused), "terminated")
    assert run_status(batches, NAME, waiting) == "waiting"


def test_a_batch_is_deleted(batches: Platform) -> None:
    ids = [start_run(batches, NAME) for _ in range(3)]

    answer = post(batches, "batch/delete", {"instances": [*ids, "nobody"]})["result"]

    assert {one["id"] for one in answer["deleted"]} == set(ids)
    assert [(one["id"], one["code"]) for one in answer["errors"]] == [("nobody", 10400)]
    listed = {one["id"] for one in batches.api("GET", f"{PATH}?per_page=100").json()["result"]}
    assert listed & set(ids) == set()


def test_a_cursor_holds_when_its_run_is_deleted(batches: Platform) -> None:
    ids = [start_run(batches, NAME) for _ in range(4)]
    page = batches.api("GET", f"{PATH}?per_page=2").json()
    batches.api("DELETE", f"{PATH}/{ids[2]}")

    cursor = page["result_info"]["cursor"]
    second = batches.api("GET", f"{PATH}?per_page=2&cursor={cursor}").json()["result"]

    assert [one["id"] for one in page["result"]] == [ids[3], ids[2]]
    assert [one["id"] for one in second] == [ids[1], ids[0]]


def test_a_date_without_a_zone_is_in_utc(batches: Platform) -> None:
    instance = start_run(batches, NAME)
    created = batches.api("GET", f"{PATH}?per_page=1").json()["result"][0]["created_on"]
    bare = created.removesuffix("Z")

    found = batches.api("GET", f"{PATH}?date_start={bare}&date_end={bare}").json()["result"]

    assert [one["id"] for one in found] == [instance]


def test_ended_runs_are_put_down_and_still_restarted(batches: Platform) -> None:
    deploy_workflow(batches, "put-down")
    path = "workflows/put-down/instances"
    made = batches.api("POST", f"{path}/batch", json=[{} for _ in range(60)]).json()["result"]
    workerd = psutil.Process(int(group_pid(batches, "worker-put-down")))
    counts = "workflows/put-down"
    wait_for(lambda: batches.api("GET", counts).json()["result"]["instances"]["complete"], 60)

    wait_for(lambda: "few" if workerd.num_fds() < 100 else "many", "few")

    one = made[0]["id"]
    batches.api("PATCH", f"{path}/{one}/status", json={"status": "restart"})
    assert wait_for_output(batches, "put-down", one)["second"] == {"attempt": 1}


def test_many_runs_do_not_hold_up_other_calls(batches: Platform) -> None:
    for _ in range(3):
        post(batches, "batch", [{"params": {"sleep": "1 hour"}} for _ in range(100)])

    began = time.perf_counter()
    for query in ("", "?status=waiting", "?per_page=100&page=3"):
        assert batches.api("GET", PATH + query).status_code == 200
    seconds = time.perf_counter() - began

    assert seconds < 1
    assert batches.api("GET", PATH).json()["result_info"]["total_count"] >= 300
    batches.api("PUT", f"{PATH}/terminate")
