"""Instances of Workflows through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.workers import (
    WORKFLOW,
    deploy_worker,
    deploy_workflow,
    describe_run,
    run_status,
    send_event,
    start_run,
    wait_for,
    wait_for_output,
    workflow_binding,
)
from tests.support.platform_fixture import Platform

NAME = "runs"


@pytest.fixture(scope="module")
def runs(platform: Platform) -> Platform:
    """A platform with a Worker whose Workflow is called like it."""
    deploy_workflow(platform, NAME)
    return platform


def test_a_run_tells_its_steps(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep=50, fails=20)
    wait_for_output(runs, NAME, instance)

    told = describe_run(runs, NAME, instance)

    assert [(step.name, step.type) for step in told.steps] == [
        ("first-1", "step"),
        ("nap-1", "sleep"),
        ("second-1", "step"),
    ]
    failed, succeeded = told.steps[2].attempts
    assert (failed.success, failed.error.message) == (False, "not yet")
    assert (succeeded.success, json.loads(told.steps[2].output)) == (True, {"attempt": 2})


def test_the_message_of_an_error_that_is_not_retried_is_kept(runs: Platform) -> None:
    code = WORKFLOW.replace(
        "async () => ({ at: Date.now() })",
        "async () => { throw new NonRetryableError('sold out') }",
    )
    head = 'import { NonRetryableError } from "cloudflare:workflows";'
    deploy_worker(runs, "kept-message", head + code, workflow_binding("kept-message"))
    runs.api(
        "PUT", "workflows/kept-message", json={"script_name": "kept-message", "class_name": "Flow"}
    )
    instance = start_run(runs, "kept-message")

    wait_for(lambda: run_status(runs, "kept-message", instance), "errored")

    assert "sold out" in str(describe_run(runs, "kept-message", instance).error)


def test_a_run_tells_how_it_began(runs: Platform) -> None:
    instance = start_run(runs, NAME, hello="world")

    told = describe_run(runs, NAME, instance)

    version = runs.client().workflows.versions.list(NAME, account_id=runs.account_id)
    assert told.params == {"hello": "world"}
    assert told.trigger.source == "api"
    assert told.version_id in [one.id for one in version]


def test_params_may_be_an_object(runs: Platform) -> None:
    body = {"params": {"hello": "object"}}
    made = runs.api("POST", f"workflows/{NAME}/instances", json=body).json()["result"]

    assert describe_run(runs, NAME, made["id"]).params == {"hello": "object"}


def test_a_run_that_a_worker_began_says_so(runs: Platform) -> None:
    instance = runs.fetch(NAME, method="POST", json={}).json()["id"]

    wait_for(lambda: run_status(runs, NAME, instance), "complete")

    assert describe_run(runs, NAME, instance).trigger.source == "binding"


@pytest.mark.parametrize("payload", [{"sleep": "1 minute"}, {"wait": True}, {"fails": "1 minute"}])
def test_a_run_that_waits_is_called_waiting(runs: Platform, payload: dict[str, object]) -> None:
    instance = start_run(runs, NAME, **payload)

    wait_for(lambda: run_status(runs, NAME, instance), "waiting")

    assert describe_run(runs, NAME, instance).output == ""


def test_an_event_reaches_the_run_that_waits_for_it(runs: Platform) -> None:
    instance = start_run(runs, NAME, wait=True)
    wait_for(lambda: run_status(runs, NAME, instance), "waiting")

    runs.client().workflows.instances.events.create(
        "call",
        account_id=runs.account_id,
        workflow_name=NAME,
        instance_id=instance,
        body={"said": "hello"},
    )

    assert wait_for_output(runs, NAME, instance)["heard"] == {"said": "hello"}


def test_a_run_is_paused_resumed_and_terminated(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep="1 minute")

    told = [_change(runs, instance, change) for change in ("pause", "resume", "terminate")]

    assert told[2] == "terminated"
    assert run_status(runs, NAME, instance) == "terminated"


def test_a_paused_run_does_nothing(runs: Platform) -> None:
    instance = start_run(runs, NAME, wait=True)
    wait_for(lambda: run_status(runs, NAME, instance), "waiting")

    _change(runs, instance, "pause")

    wait_for(lambda: run_status(runs, NAME, instance), "paused")
    _change(runs, instance, "resume")
    send_event(runs, NAME, instance)
    wait_for_output(runs, NAME, instance)


def test_a_run_is_restarted(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    first = wait_for_output(runs, NAME, instance)["first"]

    _change(runs, instance, "restart")

    wait_for(lambda: run_status(runs, NAME, instance), "complete")
    assert wait_for_output(runs, NAME, instance)["first"] != first


def test_a_finished_run_is_not_terminated(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    wait_for_output(runs, NAME, instance)

    with pytest.raises(cloudflare.BadRequestError):
        _change(runs, instance, "terminate")


def test_an_id_is_used_once(runs: Platform) -> None:
    instances = runs.client().workflows.instances
    instances.create(NAME, account_id=runs.account_id, instance_id="only-once", params="{}")

    with pytest.raises(cloudflare.ConflictError):
        instances.create(NAME, account_id=runs.account_id, instance_id="only-once", params="{}")


def test_a_run_that_is_not_there_is_not_found(runs: Platform) -> None:
    with pytest.raises(cloudflare.NotFoundError):
        describe_run(runs, NAME, "nobody")


def test_runs_are_listed_newest_first_by_status_and_page(runs: Platform) -> None:
    deploy_workflow(runs, "listing")
    ids = [start_run(runs, "listing", sleep="1 minute") for _ in range(3)]
    done = start_run(runs, "listing")
    wait_for_output(runs, "listing", done)
    list_runs = runs.client().workflows.instances.list

    everything = [run.id for run in list_runs("listing", account_id=runs.account_id, per_page=2)]
    waiting = list_runs("listing", account_id=runs.account_id, status="waiting")

    assert everything == [done, *reversed(ids)]
    assert {run.id for run in waiting} == set(ids)


def test_a_cursor_goes_on_where_a_page_ended(runs: Platform) -> None:
    deploy_workflow(runs, "cursors")
    ids = [start_run(runs, "cursors") for _ in range(3)]
    path = "workflows/cursors/instances?direction=asc&per_page=2"

    first = runs.api("GET", path).json()
    second = runs.api("GET", f"{path}&cursor={first['result_info']['cursor']}").json()

    assert [run["id"] for run in first["result"] + second["result"]] == ids
    assert "cursor" not in second["result_info"]


def test_a_batch_makes_several_runs(runs: Platform) -> None:
    made = runs.client().workflows.instances.bulk(
        NAME, account_id=runs.account_id, body=[{"instance_id": "batch-a"}, {"params": "{}"}]
    )

    assert [run.status for run in made]
    assert describe_run(runs, NAME, "batch-a").params == {}


def test_a_step_gives_its_whole_output(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    wait_for_output(runs, NAME, instance)

    step = runs.client().workflows.instances.step(
        instance, account_id=runs.account_id, workflow_name=NAME, name="second-1", type="step"
    )

    assert step is not None
    assert (step.status, step.output) == ("complete", {"attempt": 1})


def test_a_deleted_run_is_gone(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep="1 minute")

    answer = runs.api("DELETE", f"workflows/{NAME}/instances/{instance}")

    assert answer.status_code == 200
    with pytest.raises(cloudflare.NotFoundError):
        describe_run(runs, NAME, instance)


def test_workflows_are_listed_with_their_counts(runs: Platform) -> None:
    deploy_workflow(runs, "counted")
    wait_for_output(runs, "counted", start_run(runs, "counted"))

    listed = {one.name: one for one in runs.client().workflows.list(account_id=runs.account_id)}

    assert listed["counted"].instances["complete"] == 1
    assert listed["counted"].script_name == "counted"


def test_a_deleted_workflow_takes_its_runs_along(runs: Platform) -> None:
    deploy_workflow(runs, "dropped")
    start_run(runs, "dropped", sleep="1 minute")
    workflows = runs.client().workflows

    workflows.delete("dropped", account_id=runs.account_id)

    with pytest.raises(cloudflare.NotFoundError):
        workflows.get("dropped", account_id=runs.account_id)
    deploy_workflow(runs, "dropped")
    assert list(workflows.instances.list("dropped", account_id=runs.account_id)) == []


def _change(runs: Platform, instance: str, change: str) -> str:
    edit: Any = runs.client().workflows.instances.status.edit
    answer = edit(instance, account_id=runs.account_id, workflow_name=NAME, status=change)
    return str(answer.status)
