"""Batches of runs, and how the platform copes with many runs."""

from __future__ import annotations

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
    wait_for_status,
    wait_until,
)
from tests.support.platform_fixture import Platform, error_codes

NAME = "batches"
PATH = f"workflows/{NAME}/instances"


@pytest.fixture(scope="module")
def batches(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME)
    return platform


def post(platform: Platform, call: str, body: object) -> Any:
    response = platform.api("POST", f"{PATH}/{call}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def processor_seconds(platform: Platform) -> float:
    """Return the processor time that the platform's server has used."""
    times = psutil.Process(platform.running.process.pid).cpu_times()
    return float(times.user + times.system)


def test_a_batch_returns_a_result_for_each_run(batches: Platform) -> None:
    existing = {"instance_id": "twice", "params": "{}"}
    post(batches, "batch", [existing])

    response = post(batches, "batch", [{"instance_id": "fresh"}, existing, {"params": {"a": 1}}])

    first, second = response["result"]
    assert first["id"] == "fresh"
    assert describe_run(batches, NAME, second["id"]).params == {"a": 1}
    (refused,) = response["messages"]
    assert refused["code"] == 10405
    assert "twice" in refused["message"]


@pytest.mark.parametrize("body", [[], [{}] * 101, {}, [None], [{"instance_id": "no/id"}]])
def test_an_invalid_batch_is_refused_entirely(batches: Platform, body: object) -> None:
    before = batches.api("GET", PATH).json()["result_info"]["total_count"]

    response = batches.api("POST", f"{PATH}/batch", json=body)

    assert (response.status_code, error_codes(response)) == (400, [10401])
    assert batches.api("GET", PATH).json()["result_info"]["total_count"] == before


@pytest.mark.parametrize("reserved", ["batch", "terminate", "terminateAll"])
def test_an_id_is_not_the_name_of_an_endpoint(batches: Platform, reserved: str) -> None:
    response = batches.api("POST", PATH, json={"instance_id": reserved})

    assert response.status_code == 400


def test_a_batch_is_terminated(batches: Platform) -> None:
    waiting = [start_run(batches, NAME, wait=True) for _ in range(3)]
    done = start_run(batches, NAME)
    wait_for_output(batches, NAME, done)

    result = post(batches, "batch/terminate", [*waiting, done, "missing"])["result"]

    assert result == {"status": "ok", "instancesTerminated": 3}
    assert {run_status(batches, NAME, run) for run in waiting} == {"terminated"}
    assert run_status(batches, NAME, done) == "complete"


def test_runs_with_a_status_are_terminated(batches: Platform) -> None:
    paused, waiting = (start_run(batches, NAME, wait=True) for _ in range(2))
    for run in (paused, waiting):
        wait_for_status(batches, NAME, run, "waiting")
    batches.api("PATCH", f"{PATH}/{paused}/status", json={"status": "pause"})
    wait_for_status(batches, NAME, paused, "paused")

    result = batches.api("PUT", f"{PATH}/terminate?status=paused").json()["result"]

    assert result == {"status": "ok"}
    wait_for_status(batches, NAME, paused, "terminated")
    assert run_status(batches, NAME, waiting) == "waiting"


def test_runs_are_terminated_even_if_a_deploy_replaces_their_process_meanwhile(
    batches: Platform,
) -> None:
    created = post(batches, "batch", [{"params": {"wait": True}} for _ in range(30)])["result"]
    runs = [run["id"] for run in created]
    for run in runs:
        wait_for_status(batches, NAME, run, "waiting")
    psutil.Process(group_pid(batches, f"worker-{NAME}")).suspend()

    batches.api("PUT", f"{PATH}/terminate")
    assert batches.api("GET", f"{PATH}/terminate").json()["result"] == {"status": "running"}
    deploy_workflow(batches, NAME)

    wait_until(lambda: not is_terminating(batches))
    assert {run_status(batches, NAME, run) for run in runs} == {"terminated"}


def is_terminating(platform: Platform) -> bool:
    result = platform.api("GET", f"{PATH}/terminate").json()["result"]
    return bool(result["status"] == "running")


def test_a_batch_is_deleted(batches: Platform) -> None:
    ids = [start_run(batches, NAME) for _ in range(3)]

    result = post(batches, "batch/delete", {"instances": [*ids, "missing"]})["result"]

    assert {run["id"] for run in result["deleted"]} == set(ids)
    assert [(error["id"], error["code"]) for error in result["errors"]] == [("missing", 10400)]
    listed = {run["id"] for run in batches.api("GET", f"{PATH}?per_page=100").json()["result"]}
    assert listed & set(ids) == set()


def test_a_cursor_stays_valid_when_its_run_is_deleted(batches: Platform) -> None:
    ids = [start_run(batches, NAME) for _ in range(4)]
    page = batches.api("GET", f"{PATH}?per_page=2").json()
    batches.api("DELETE", f"{PATH}/{ids[2]}")

    cursor = page["result_info"]["cursor"]
    second = batches.api("GET", f"{PATH}?per_page=2&cursor={cursor}").json()["result"]

    assert [run["id"] for run in page["result"]] == [ids[3], ids[2]]
    assert [run["id"] for run in second] == [ids[1], ids[0]]


def test_a_date_without_a_zone_is_in_utc(batches: Platform) -> None:
    instance = start_run(batches, NAME)
    created = batches.api("GET", f"{PATH}?per_page=1").json()["result"][0]["created_on"]
    without_zone = created.removesuffix("Z")

    listed = batches.api("GET", f"{PATH}?date_start={without_zone}&date_end={without_zone}").json()[
        "result"
    ]

    assert [run["id"] for run in listed] == [instance]


@pytest.mark.long
def test_ended_runs_are_unloaded_and_can_be_restarted(batches: Platform) -> None:
    deploy_workflow(batches, "unloaded")
    path = "workflows/unloaded/instances"
    created = batches.api("POST", f"{path}/batch", json=[{} for _ in range(60)]).json()["result"]
    workerd = psutil.Process(group_pid(batches, "worker-unloaded"))
    workflow = "workflows/unloaded"
    wait_for(lambda: batches.api("GET", workflow).json()["result"]["instances"]["complete"], 60)

    wait_until(lambda: workerd.num_fds() < 100)

    run = created[0]["id"]
    batches.api("PATCH", f"{path}/{run}/status", json={"status": "restart"})
    assert wait_for_output(batches, "unloaded", run)["second"] == {"attempt": 1}


def test_many_runs_do_not_slow_down_other_calls(batches: Platform) -> None:
    """Measured in processor time, which hardly depends on the load of the machine."""
    for _ in range(3):
        post(batches, "batch", [{"params": {"sleep": "1 hour"}} for _ in range(100)])

    before = processor_seconds(batches)
    for query in ("", "?status=waiting", "?per_page=100&page=3"):
        assert batches.api("GET", PATH + query).status_code == 200

    assert processor_seconds(batches) - before < 0.5
    assert batches.api("GET", PATH).json()["result_info"]["total_count"] >= 300
    batches.api("PUT", f"{PATH}/terminate")
