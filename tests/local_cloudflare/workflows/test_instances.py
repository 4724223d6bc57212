"""Runs of Workflows, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.workers import (
    WORKFLOW,
    deploy_workflow,
    describe_run,
    run_status,
    send_event,
    start_run,
    wait_for_output,
    wait_for_status,
)
from tests.support.platform_fixture import Platform

NAME = "runs"


@pytest.fixture(scope="module")
def runs(platform: Platform) -> Platform:
    """A platform with a Worker and its Workflow of the same name."""
    deploy_workflow(platform, NAME)
    return platform


def test_a_run_describes_its_steps(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep=50, fails=20)
    wait_for_output(runs, NAME, instance)

    run = describe_run(runs, NAME, instance)

    assert [(step.name, step.type) for step in run.steps] == [
        ("first-1", "step"),
        ("nap-1", "sleep"),
        ("second-1", "step"),
    ]
    failed, succeeded = run.steps[2].attempts
    assert (failed.success, failed.error.message) == (False, "not yet")
    assert (succeeded.success, json.loads(run.steps[2].output)) == (True, {"attempt": 2})


def test_the_message_of_an_error_that_is_not_retried_is_kept(runs: Platform) -> None:
    code = WORKFLOW.replace(
        "async () => ({ at: Date.now() })",
        "async () => { throw new NonRetryableError('sold out') }",
    )
    imports = 'import { NonRetryableError } from "cloudflare:workflows";'
    deploy_workflow(runs, "kept-message", imports + code)
    instance = start_run(runs, "kept-message")

    wait_for_status(runs, "kept-message", instance, "errored")

    assert "sold out" in str(describe_run(runs, "kept-message", instance).error)


CAUGHT = """
import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("fails", async () => { throw new NonRetryableError("no"); }).catch(() => null);
    await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
    return "done";
  }
}
export default { fetch: () => new Response() };
"""


def test_a_run_can_be_paused_after_an_error_that_is_not_retried(platform: Platform) -> None:
    deploy_workflow(platform, "caught", CAUGHT)
    instance = start_run(platform, "caught")
    wait_for_status(platform, "caught", instance, "waiting")

    _change(platform, instance, "pause", workflow="caught")

    wait_for_status(platform, "caught", instance, "paused")


def test_a_run_describes_how_it_started(runs: Platform) -> None:
    instance = start_run(runs, NAME, hello="world")

    run = describe_run(runs, NAME, instance)

    versions = runs.client().workflows.versions.list(NAME, account_id=runs.account_id)
    assert run.params == {"hello": "world"}
    assert run.trigger.source == "api"
    assert run.version_id in [version.id for version in versions]


def test_params_may_be_an_object(runs: Platform) -> None:
    body = {"params": {"hello": "object"}}
    created = runs.api("POST", f"workflows/{NAME}/instances", json=body).json()["result"]

    assert describe_run(runs, NAME, created["id"]).params == {"hello": "object"}


def test_a_run_that_a_worker_started_names_its_source(runs: Platform) -> None:
    instance = runs.fetch(NAME, method="POST", json={}).json()["id"]

    wait_for_status(runs, NAME, instance, "complete")

    assert describe_run(runs, NAME, instance).trigger.source == "binding"


@pytest.mark.parametrize("payload", [{"sleep": "1 hour"}, {"wait": True}, {"fails": "1 hour"}])
def test_a_run_that_sleeps_or_waits_has_the_status_waiting(
    runs: Platform, payload: dict[str, object]
) -> None:
    instance = start_run(runs, NAME, **payload)

    wait_for_status(runs, NAME, instance, "waiting")

    assert describe_run(runs, NAME, instance).output == ""


def test_a_waiting_run_receives_its_event(runs: Platform) -> None:
    instance = start_run(runs, NAME, wait=True)
    wait_for_status(runs, NAME, instance, "waiting")

    runs.client().workflows.instances.events.create(
        "call",
        account_id=runs.account_id,
        workflow_name=NAME,
        instance_id=instance,
        body={"said": "hello"},
    )

    assert wait_for_output(runs, NAME, instance)["received"] == {"said": "hello"}


def test_a_run_is_paused_resumed_and_terminated(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep="1 hour")

    *_, last = [_change(runs, instance, change) for change in ("pause", "resume", "terminate")]

    assert last == "terminated"
    assert run_status(runs, NAME, instance) == "terminated"


def test_a_paused_run_does_nothing(runs: Platform) -> None:
    instance = start_run(runs, NAME, wait=True)
    wait_for_status(runs, NAME, instance, "waiting")

    _change(runs, instance, "pause")

    wait_for_status(runs, NAME, instance, "paused")
    _change(runs, instance, "resume")
    send_event(runs, NAME, instance)
    wait_for_output(runs, NAME, instance)


def test_a_run_is_restarted(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    first = wait_for_output(runs, NAME, instance)["first"]

    _change(runs, instance, "restart")

    wait_for_status(runs, NAME, instance, "complete")
    assert wait_for_output(runs, NAME, instance)["first"] != first


def test_a_finished_run_is_not_terminated(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    wait_for_output(runs, NAME, instance)

    with pytest.raises(cloudflare.BadRequestError):
        _change(runs, instance, "terminate")


def test_an_id_cannot_be_used_again(runs: Platform) -> None:
    instances = runs.client().workflows.instances
    instances.create(NAME, account_id=runs.account_id, instance_id="only-once", params="{}")

    with pytest.raises(cloudflare.ConflictError):
        instances.create(NAME, account_id=runs.account_id, instance_id="only-once", params="{}")


def test_a_missing_run_is_not_found(runs: Platform) -> None:
    with pytest.raises(cloudflare.NotFoundError):
        describe_run(runs, NAME, "missing")


def test_runs_are_listed_newest_first_by_status_and_page(runs: Platform) -> None:
    deploy_workflow(runs, "listing")
    ids = [start_run(runs, "listing", sleep="1 hour") for _ in range(3)]
    done = start_run(runs, "listing")
    wait_for_output(runs, "listing", done)
    for run in ids:
        wait_for_status(runs, "listing", run, "waiting")
    list_runs = runs.client().workflows.instances.list

    all_runs = [run.id for run in list_runs("listing", account_id=runs.account_id, per_page=2)]
    waiting = list_runs("listing", account_id=runs.account_id, status="waiting")

    assert all_runs == [done, *reversed(ids)]
    assert {run.id for run in waiting} == set(ids)


def test_a_cursor_continues_after_its_page(runs: Platform) -> None:
    deploy_workflow(runs, "cursors")
    ids = [start_run(runs, "cursors") for _ in range(3)]
    path = "workflows/cursors/instances?direction=asc&per_page=2"

    first = runs.api("GET", path).json()
    second = runs.api("GET", f"{path}&cursor={first['result_info']['cursor']}").json()

    assert [run["id"] for run in first["result"] + second["result"]] == ids
    assert "cursor" not in second["result_info"]


def test_a_batch_starts_several_runs(runs: Platform) -> None:
    created = runs.client().workflows.instances.bulk(
        NAME, account_id=runs.account_id, body=[{"instance_id": "batch-a"}, {"params": "{}"}]
    )

    assert [run.status for run in created]
    assert describe_run(runs, NAME, "batch-a").params == {}


def test_a_step_has_its_whole_output(runs: Platform) -> None:
    instance = start_run(runs, NAME)
    wait_for_output(runs, NAME, instance)

    step = runs.client().workflows.instances.step(
        instance, account_id=runs.account_id, workflow_name=NAME, name="second-1", type="step"
    )

    assert step is not None
    assert (step.status, step.output) == ("complete", {"attempt": 1})


def test_a_deleted_run_is_not_found(runs: Platform) -> None:
    instance = start_run(runs, NAME, sleep="1 hour")

    response = runs.api("DELETE", f"workflows/{NAME}/instances/{instance}")

    assert response.status_code == 200
    with pytest.raises(cloudflare.NotFoundError):
        describe_run(runs, NAME, instance)


def test_workflows_are_listed_with_their_counts(runs: Platform) -> None:
    deploy_workflow(runs, "counted")
    wait_for_output(runs, "counted", start_run(runs, "counted"))

    listed = {
        workflow.name: workflow
        for workflow in runs.client().workflows.list(account_id=runs.account_id)
    }

    assert listed["counted"].instances["complete"] == 1
    assert listed["counted"].script_name == "counted"


def test_deleting_a_workflow_deletes_its_runs(runs: Platform) -> None:
    deploy_workflow(runs, "dropped")
    start_run(runs, "dropped", sleep="1 hour")
    workflows = runs.client().workflows

    workflows.delete("dropped", account_id=runs.account_id)

    with pytest.raises(cloudflare.NotFoundError):
        workflows.get("dropped", account_id=runs.account_id)
    deploy_workflow(runs, "dropped")
    assert list(workflows.instances.list("dropped", account_id=runs.account_id)) == []


def _change(runs: Platform, instance: str, change: str, workflow: str = NAME) -> str:
    edit: Any = runs.client().workflows.instances.status.edit
    run = edit(instance, account_id=runs.account_id, workflow_name=workflow, status=change)
    return str(run.status)
