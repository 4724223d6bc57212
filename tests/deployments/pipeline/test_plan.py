"""Plans: what a deployment would change, without changing anything."""

from __future__ import annotations

import json

import pytest

from deployments.models import Deployment
from deployments.pipeline.plan import Plan
from deployments.pipeline.stages import Stage, Status
from deployments.services import plan as forecast
from targets.checks.check_state import CheckState
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.local_cloudflare.support.control import Control, Token
from tests.local_cloudflare.support.workers import start_run
from tests.local_cloudflare.support.zones import create_zone
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    workflow_with_settings,
)
from workflows.models import Workflow
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def changes_of(plan: Plan) -> set[tuple[str, str, str]]:
    return {(change.how, change.what, change.name) for change in plan.changes}


def test_a_first_deployment_adds_everything(target: Target, control: Control) -> None:
    workflow = workflow_with_settings({"cronTriggers": ["1 1 * * *"]}, "return env.GREETING;")
    set_variable("GREETING", "hello", workflow=workflow)
    control.forget_calls()

    plan = forecast.plan(workflow, target)

    assert (plan.is_new, plan.can_deploy) == (True, True)
    assert {("added", "code", ""), ("added", "variable", "GREETING")} <= changes_of(plan)
    assert ("added", "schedule", "") in changes_of(plan)
    assert control.writes() == []


def test_redeploying_the_same_version_changes_nothing(target: Target) -> None:
    workflow = make_workflow()
    deploy(workflow, target)

    plan = forecast.plan(workflow, target)

    assert (plan.is_new, plan.changes) == (False, ())


def test_changes_of_code_variables_and_triggers_are_listed(
    platform: Platform, target: Target
) -> None:
    create_zone(platform, "plan.example")
    workflow = workflow_with_settings({"cronTriggers": ["1 1 * * *"]}, "return env.OLD;")
    set_variable("OLD", "1", workflow=workflow)
    deploy(workflow, target)
    workflow.variables.all().delete()
    set_variable("NEW", "2", workflow=workflow)
    routes = [{"pattern": "api.plan.example/*", "zoneName": "plan.example"}]
    edit_workflow(workflow, settings={"routes": routes}, code="return env.NEW;")

    plan = forecast.plan(workflow, target)

    assert changes_of(plan) == {
        ("changed", "code", ""),
        ("removed", "variable", "OLD"),
        ("added", "variable", "NEW"),
        ("removed", "schedule", ""),
        ("added", "route", "api.plan.example/*"),
    }


def test_changes_of_runtime_settings_are_listed(target: Target) -> None:
    workflow = make_workflow()
    deploy(workflow, target)
    settings = {
        "compatibilityDate": "2026-10-01",
        "compatibilityFlags": ["nodejs_compat", "no_nodejs_compat_v2"],
        "placement": {"mode": "smart"},
        "limits": {"cpuMs": 50},
        "observability": {"headSamplingRate": 0.5},
        "logpush": True,
    }

    plan = forecast.plan(edit_workflow(workflow, settings=settings), target)

    found = {change.name: (change.how, change.before, change.after) for change in plan.changes}
    assert {change.what for change in plan.changes} == {"setting"}
    assert found == {
        "compatibility date": ("changed", "2026-11-01", "2026-10-01"),
        "compatibility flags": ("changed", "nodejs_compat", "no_nodejs_compat_v2, nodejs_compat"),
        "placement": ("changed", "off", "smart"),
        "CPU limit": ("added", "", "50 ms"),
        "Workers Logs": ("changed", "on", "on, sampling rate 0.5"),
        "Logpush": ("changed", "off", "on"),
    }


def test_changes_of_npm_packages_are_listed(target: Target) -> None:
    workflow = make_workflow()
    deploy(workflow, target)
    Deployment.objects.update(dependencies={"zod": "4.1.0"})

    (change,) = forecast.plan(workflow, target).changes

    assert (change.what, change.name, change.how) == ("npm package", "zod", "removed")


def test_secrets_that_cannot_be_compared_are_listed(target: Target) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "a-secret-value", workflow=workflow, is_secret=True)
    first = forecast.plan(workflow, target)
    deploy(workflow, target)
    set_variable("TOKEN", "another-value", workflow=workflow)

    plan = forecast.plan(workflow, target)

    assert (first.uncompared_secrets, first.as_json()["uncomparedSecrets"]) == ((), [])
    assert (plan.changes, plan.uncompared_secrets) == ((), ("TOKEN",))


def test_unused_secrets_are_kept(target: Target) -> None:
    workflow = make_workflow("return env.TOKEN.length;")
    set_variable("TOKEN", "a-secret-value", workflow=workflow, is_secret=True)
    deploy(workflow, target)
    workflow.variables.all().delete()

    plan = forecast.plan(edit_workflow(workflow, code="return 1;"), target)

    assert plan.kept_secrets == ["TOKEN"]
    assert "a-secret-value" not in str(plan.as_json())


def test_runs_in_progress_are_counted(platform: Platform, target: Target) -> None:
    workflow = waiting_workflow()
    done = deploy(workflow, target)
    for name in ("one", "two"):
        start_run(platform, done.worker_name, name=name)

    plan = forecast.plan(workflow, target)

    assert plan.runs_in_progress == 2


def waiting_workflow() -> Workflow:
    workflow = make_workflow()
    (step,) = workflow.ir["nodes"]
    data = {"eventType": "go", "timeout": "1 hour"}
    node = {**step, "type": "wait_for_event", "data": data}
    workflow.ir = {**workflow.ir, "nodes": [node]}
    return edit_workflow(workflow)


def test_errors_are_reported_with_their_stage(target: Target) -> None:
    plan = forecast.plan(make_workflow("return env.MY_KV;"), target)

    assert (plan.can_deploy, plan.failed_at) == (False, Stage.DETECTING_BINDINGS)
    assert "MY_KV_BINDING_ID" in plan.findings[0].message


def states(workflow: Workflow, target: Target) -> dict[str, CheckState]:
    return {check.name: check.state for check in forecast.preflight(workflow, target)}


def test_a_failed_check_does_not_stop_the_others(target: Target, control: Control) -> None:
    control.subdomain("")

    found = states(make_workflow("return env.MY_KV;"), target)

    assert found["Token and account"] is CheckState.PASSED
    assert found["workers.dev subdomain"] is CheckState.FAILED
    assert found["Code"] is CheckState.PASSED
    assert found["Variables and bindings"] is CheckState.FAILED
    assert found["Limits"] is CheckState.UNKNOWN


def test_without_credentials_only_the_code_is_checked() -> None:
    found = states(make_workflow(), make_target())

    assert found["Token and account"] is CheckState.FAILED
    assert found["Custom domains"] is CheckState.UNKNOWN
    assert found["Code"] is CheckState.PASSED


def test_a_plan_needs_no_write_permission(platform: Platform, control: Control) -> None:
    reads = ("Workers Scripts Read", "Account Settings Read")
    control.tokens(Token(token="reading-token", permissions=reads))
    reading = account_target(platform, token="reading-token")

    assert forecast.plan(make_workflow(), reading).can_deploy


def test_a_deployment_makes_the_changes_of_its_plan(target: Target) -> None:
    workflow = workflow_with_settings({"cronTriggers": ["1 1 * * *"]})
    plan = forecast.plan(workflow, target)

    done = deploy(workflow, target)

    assert done.state is Status.SUCCEEDED
    assert plan.config == json.loads(done.wrangler_json)
