"""The settings of a Workflow are sent with a deploy, have their effect on runs, and are restored and watched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit.trail import Actor
from deployments import drift
from deployments.models import Deployment, DriftState
from deployments.pipeline.stages import Stage, Status
from deployments.services import control as controls
from deployments.services import plan as forecast
from targets.cloudflare.errors import Cause
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.workers import (
    describe_run,
    start_run,
    wait_for_status,
    wait_until,
)
from tests.support.platform_fixture import Platform, start_platform
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    run_queue,
    workflow_with_settings,
)
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

ALL: dict[str, Any] = {
    "concurrencyLimit": 10,
    "stepLimit": 500,
    "successRetention": "3 days",
    "errorRetention": "2 weeks",
    "schedules": ["0 8 * * *"],
    "jurisdiction": "eu",
}
DESCRIBED = (
    "class Test; up to 10 runs at a time; up to 500 steps per run; completed runs kept for 3 days; "
    "failed runs kept for 14 days; schedules 0 8 * * *; jurisdiction eu"
)
DAY = 86_400_000


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture(scope="module")
def sweeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that looks for runs to delete all the time."""
    environment = {"LOCAL_CLOUDFLARE_RETENTION_SECONDS": "0.1"}
    platform = start_platform(tmp_path_factory.mktemp("platform"), environment=environment)
    yield platform
    platform.running.stop()


def workflow_with(code: str = "return 1;", **settings: Any) -> Workflow:
    return workflow_with_settings({"workflow": settings}, code)


def change(workflow: Workflow, **settings: Any) -> Workflow:
    return edit_workflow(workflow, settings={"workflow": settings} if settings else {})


def succeeded(deployment: Deployment) -> Deployment:
    assert deployment.state is Status.SUCCEEDED, deployment.message
    return deployment


def hosted(platform: Platform, deployment: Deployment) -> dict[str, Any]:
    response = platform.api("GET", f"workflows/{deployment.worker_name}")
    result: dict[str, Any] = response.json()["result"]
    return result


def run_ids(platform: Platform, deployment: Deployment) -> list[str]:
    response = platform.api("GET", f"workflows/{deployment.worker_name}/instances")
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()["result"]]


def is_gone(platform: Platform, deployment: Deployment, run: str) -> bool:
    response = platform.api("GET", f"workflows/{deployment.worker_name}/instances/{run}")
    return response.status_code == 404


def test_a_deploy_sends_every_setting_and_records_it(platform: Platform, target: Target) -> None:
    deployment = succeeded(deploy(workflow_with(**ALL), target))

    found = hosted(platform, deployment)
    assert found["concurrency"] == {"limit": 10}
    assert found["limits"] == {"steps": 500}
    assert found["default_retention"] == {"success_retention": 3 * DAY, "error_retention": 14 * DAY}
    assert [schedule["cron"] for schedule in found["schedules"]] == ["0 8 * * *"]
    assert found["jurisdiction"] == "eu"
    assert deployment.deploy_settings == {"workflow": ALL}
    (own,) = json.loads(deployment.wrangler_json)["workflows"]
    assert (own["limits"], own["jurisdiction"]) == ({"steps": 500}, "eu")


def test_a_run_has_at_most_as_many_steps_as_the_settings_say(
    platform: Platform, target: Target
) -> None:
    workflow = make_workflow(**loop_of(3))
    change(workflow, stepLimit=2)
    deployment = succeeded(deploy(workflow, target))
    name = deployment.worker_name

    run = start_run(platform, name)

    wait_for_status(platform, name, run, "errored")
    assert "limit of 2 steps" in describe_run(platform, name, run).error.message
    change(workflow, stepLimit=3)
    succeeded(deploy(workflow, target))
    again = start_run(platform, name)
    wait_for_status(platform, name, again, "complete")


def loop_of(count: int) -> dict[str, Any]:
    """A document whose run has this many steps."""
    common = {"position": {"x": 0, "y": 0}, "version": "1.0.0", "provider": "cloudflare"}
    loop = {
        "id": "all",
        "type": "loop",
        "name": "All",
        "data": {"loopType": "times", "count": count},
    }
    step = {"id": "one", "type": "step", "name": "One", "data": {"code": "return 1;"}}
    edge = {"id": "e", "source": "all", "target": "one", "label": "body"}
    return {"nodes": [loop | common, step | common], "edges": [edge], "entryNodeId": "all"}


@pytest.mark.long
def test_runs_beyond_the_concurrency_limit_are_queued(platform: Platform, target: Target) -> None:
    busy = "await scheduler.wait(600_000); return 1;"
    name = succeeded(deploy(workflow_with(busy, concurrencyLimit=1), target)).worker_name

    first = start_run(platform, name)
    wait_for_status(platform, name, first, "running")
    second = start_run(platform, name)

    wait_for_status(platform, name, second, "queued")
    platform.api(
        "PATCH", f"workflows/{name}/instances/{first}/status", json={"status": "terminate"}
    )
    wait_for_status(platform, name, second, "running")
    platform.api(
        "PATCH", f"workflows/{name}/instances/{second}/status", json={"status": "terminate"}
    )


@pytest.mark.long
def test_runs_are_kept_as_long_as_the_settings_say(sweeping: Platform) -> None:
    code = "if (event.payload.fails) throw new NonRetryableError('as asked'); return 1;"
    settings: dict[str, Any] = {"successRetention": 1, "errorRetention": "1 day"}
    deployment = succeeded(deploy(workflow_with(code, **settings), account_target(sweeping)))
    name = deployment.worker_name

    done, failed = start_run(sweeping, name), start_run(sweeping, name, fails=True)

    wait_until(lambda: is_gone(sweeping, deployment, done))
    assert done not in run_ids(sweeping, deployment)
    wait_for_status(sweeping, name, failed, "errored")


@pytest.mark.long
def test_a_schedule_of_the_workflow_starts_a_run(
    platform: Platform, target: Target, control: Control
) -> None:
    code = "return { schedule: event.schedule, payload: event.payload };"
    deployment = succeeded(deploy(workflow_with(code, schedules=["17 5 * * *"]), target))
    name = deployment.worker_name

    control.minute("2026-11-20T05:17:00Z")

    wait_until(lambda: run_ids(platform, deployment) != [])
    (run,) = run_ids(platform, deployment)
    wait_for_status(platform, name, run, "complete")
    described = describe_run(platform, name, run)
    expected = {"cron": "17 5 * * *", "scheduledTime": 1795151820000}
    assert json.loads(described.steps[0].output) == {"schedule": expected, "payload": {}}
    assert described.trigger.source == "cron"


def test_the_plan_lists_changes_of_the_workflows_settings(target: Target) -> None:
    workflow = workflow_with(**ALL)
    first = forecast.plan(workflow, target)
    deploy(workflow, target)
    same = forecast.plan(workflow, target)
    change(workflow, jurisdiction="eu")

    (changed,) = forecast.plan(workflow, target).changes

    described = DESCRIBED.replace("Test", workflow.class_name)
    assert described in [each.after for each in first.changes if each.what == "workflow"]
    assert same.changes == ()
    assert (changed.what, changed.how) == ("workflow", "changed")
    assert changed.before == described
    assert changed.after == f"class {workflow.class_name}; jurisdiction eu"


@pytest.mark.long
def test_settings_that_are_removed_are_removed_from_the_target(
    platform: Platform, target: Target
) -> None:
    workflow = workflow_with(**ALL)
    succeeded(deploy(workflow, target))
    change(workflow, jurisdiction="eu")

    deployment = succeeded(deploy(workflow, target))

    settings = {"limits", "concurrency", "default_retention", "schedules"}
    assert not settings & hosted(platform, deployment).keys()


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("eu", "us", ["has the jurisdiction eu", "the settings say us"]),
        ("eu", None, ["has the jurisdiction eu", "name none"]),
        (None, "eu", ["has no jurisdiction", "the settings say eu"]),
    ],
)
def test_another_jurisdiction_is_refused_before_anything_is_uploaded(
    platform: Platform,
    target: Target,
    control: Control,
    before: str | None,
    after: str | None,
    words: list[str],
) -> None:
    workflow = workflow_with(jurisdiction=before)
    succeeded(deploy(workflow, target))
    change(workflow, jurisdiction=after)
    control.forget_calls()

    plan = forecast.plan(workflow, target)
    failed = deploy(workflow, target)

    assert not plan.can_deploy
    assert (failed.state, failed.cause) == (Status.FAILED, Cause.JURISDICTION)
    assert (failed.stage, failed.uploaded) == (Stage.INITIALIZING, "no")
    for word in (*words, "deleting this one deletes its runs"):
        assert word in failed.message
        assert word in plan.findings[0].message
    assert control.writes() == []


@pytest.mark.long
def test_a_takedown_frees_the_jurisdiction(platform: Platform, target: Target) -> None:
    workflow = workflow_with(jurisdiction="eu")
    succeeded(deploy(workflow, target))
    succeeded(run_queue(controls.take_down(workflow, target, by=Actor(name="ada"))))
    change(workflow, jurisdiction="us")

    deployment = succeeded(deploy(workflow, target))

    assert hosted(platform, deployment)["jurisdiction"] == "us"


@pytest.mark.long
def test_a_rollback_restores_the_settings_of_the_workflow(
    platform: Platform, target: Target
) -> None:
    workflow = workflow_with(stepLimit=500, concurrencyLimit=10)
    first = succeeded(deploy(workflow, target))
    succeeded(deploy(change(workflow, stepLimit=20, successRetention="1 day"), target))

    succeeded(run_queue(controls.roll_back(first, by=Actor(name="ada"))))

    found = hosted(platform, first)
    assert (found["limits"], found["concurrency"]) == ({"steps": 500}, {"limit": 10})
    assert "default_retention" not in found


@pytest.mark.long
def test_settings_that_someone_else_has_changed_are_drift(
    platform: Platform, target: Target
) -> None:
    workflow = workflow_with(concurrencyLimit=10)
    deployment = succeeded(deploy(workflow, target))
    name = deployment.worker_name
    assert drift.check(workflow, target).state == DriftState.SAME
    body = {"script_name": name, "class_name": workflow.class_name, "concurrency": {"limit": 99}}
    platform.api("PUT", f"workflows/{name}", json=body).raise_for_status()

    found = drift.check(workflow, target)

    assert found.differences == [
        f"Workflow {name} is class {workflow.class_name}; up to 99 runs at a time, not class "
        f"{workflow.class_name}; up to 10 runs at a time."
    ]
    adopted = drift.adopt(found)
    assert adopted.state == DriftState.SAME
    assert drift.check(workflow, target).state == DriftState.SAME
    succeeded(deploy(workflow, target))
    assert hosted(platform, deployment)["concurrency"] == {"limit": 10}


def test_settings_of_a_workflow_on_a_script_are_refused(target: Target) -> None:
    workflow = make_workflow(kind="script", trigger={"type": "http"})
    change(workflow, stepLimit=5)

    failed = deploy(workflow, target)

    assert failed.state is Status.FAILED
    assert "A script has no Workflow" in failed.message


def test_a_schedule_that_would_start_two_runs_is_a_warning(target: Target) -> None:
    settings = {"cronTriggers": ["0 8 * * *"], "workflow": {"schedules": ["0 8 * * *"]}}

    deployment = succeeded(deploy(workflow_with_settings(settings), target))

    (warning,) = deployment.warnings
    assert "it starts two runs each time" in warning["message"]


@pytest.mark.long
def test_a_workflow_assigned_again_in_a_retry_keeps_its_settings(
    platform: Platform, target: Target, control: Control
) -> None:
    workflow = workflow_with(stepLimit=500, schedules=["0 8 * * *"])
    fault = Fault(path="/workflows/awaitstep", method="PUT", status=500, code=10001, message="Oops")
    control.faults(fault)
    partial = deploy(workflow, target)
    assert partial.state is Status.PARTIAL, partial.message
    control.faults()

    succeeded(run_queue(controls.retry_failed(partial, by=Actor(name="ada"))))

    found = hosted(platform, partial)
    assert found["limits"] == {"steps": 500}
    assert [schedule["cron"] for schedule in found["schedules"]] == ["0 8 * * *"]
