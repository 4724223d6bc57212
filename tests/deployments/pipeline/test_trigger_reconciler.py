"""The trigger reconciler, with fake tools."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.pipeline.errors import Incomplete, LeaseLost
from deployments.pipeline.trigger_reconciler import reapply, reconcile, restore
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import (
    Part,
    PartKind,
    Triggers,
    WorkflowPart,
    differences,
    parse_triggers,
)
from targets.cloudflare.workflow_config import as_config, as_request, from_response
from tests.deployments.fakes import FakeTools, request
from workflows.ir.deploy.deploy_settings import Consumer
from workflows.ir.deploy.workflow_settings import WorkflowSettings

DAY = 86_400_000
ROUTED = Triggers(routes={"api.example.com/*": "example.com"}, domains=frozenset({"www.x.com"}))
SETTINGS = WorkflowSettings(
    concurrency_limit=10,
    step_limit=500,
    success_retention=DAY,
    error_retention=14 * DAY,
    schedules=("0 8 * * *", "0 7 * * *"),
    jurisdiction="eu",
)
SCHEDULE = Part(kind=PartKind.SCHEDULE, name="")


def test_triggers_are_parsed_from_a_wrangler_json() -> None:
    config = {
        "workflows": [
            {"name": "own", "class_name": "Flow", **as_config(SETTINGS)},
            {"name": "other", "class_name": "X", "script_name": "elsewhere"},
        ],
        "workers_dev": False,
        "routes": [
            {"pattern": "api.example.com/*", "zone_name": "example.com"},
            {"pattern": "www.x.com", "custom_domain": True},
        ],
        "triggers": {"crons": ["1 1 * * *"]},
        "queues": {"consumers": [{"queue": "jobs", "max_retries": 3}]},
    }

    found = parse_triggers(config)

    assert found.workflows == {"own": WorkflowPart(class_name="Flow", settings=SETTINGS)}
    assert (found.routes, found.domains) == (ROUTED.routes, ROUTED.domains)
    assert found.consumers == {"jobs": Consumer(queue="jobs", max_retries=3)}
    assert not found.workers_dev
    assert sorted(found.crons) == ["1 1 * * *"]


def test_stored_triggers_are_parsed_back_unchanged() -> None:
    kept = replace(
        ROUTED,
        workflows={"own": WorkflowPart(class_name="Flow", settings=SETTINGS)},
        workers_dev=False,
        crons=frozenset({"1 1 * * *"}),
        consumers={"jobs": Consumer(queue="jobs", max_retries=3)},
    )

    assert parse_triggers(kept.as_config()) == kept


def test_the_settings_of_a_workflow_are_described() -> None:
    before, after = (
        Triggers(workflows={"own": WorkflowPart(class_name="Flow", settings=settings)})
        for settings in (WorkflowSettings(), SETTINGS)
    )

    assert [str(each) for each in differences(after, before)] == [
        "Workflow own is class Flow, not class Flow; up to 10 runs at a time; up to 500 steps per run; "
        "completed runs kept for 1 day; failed runs kept for 14 days; schedules 0 7 * * *, 0 8 * * *; "
        "jurisdiction eu."
    ]


def test_the_settings_of_a_workflow_are_read_from_the_api() -> None:
    body = as_request(SETTINGS)
    workflow = {"schedules": body.pop("schedules"), "jurisdiction": body.pop("jurisdiction")}
    nothing: dict[str, object] = {
        "schedules": None,
        "limits": {},
        "concurrency": None,
        "default_retention": {},
    }

    assert from_response(workflow, body) == SETTINGS
    assert from_response(nothing, nothing) == WorkflowSettings()
    assert as_request(WorkflowSettings()) == {}


def test_a_difference_has_the_actual_and_the_expected_state() -> None:
    messages = [str(each) for each in differences(ROUTED, Triggers(crons=frozenset({"1 1 * * *"})))]

    assert messages == [
        "Route api.example.com/* is missing; it should be in zone example.com.",
        "Custom domain www.x.com is missing; it should be on this Worker.",
        "Schedule exists (1 1 * * *) but should not.",
    ]


def test_after_a_deploy_obsolete_triggers_are_removed() -> None:
    tools = FakeTools()

    reconcile(
        replace(request(), previous_triggers=ROUTED), Triggers(), tools=tools, upload_error=""
    )

    assert tools.calls == ["remove Route api.example.com/*", "remove Custom domain www.x.com"]


def test_after_a_complete_upload_nothing_is_read_back() -> None:
    tools = FakeTools()

    parts = reconcile(request(), ROUTED, tools=tools, upload_error="")

    assert tools.calls == []
    assert all(part.is_done for part in parts)


def test_after_an_upload_error_each_part_is_read_back() -> None:
    tools = FakeTools(actual=Triggers(routes=ROUTED.routes))

    with pytest.raises(Incomplete) as incomplete:
        reconcile(request(), ROUTED, tools=tools, upload_error="wrangler said no")

    failed = [each for each in incomplete.value.parts if not each.is_done]
    assert [str(each.part) for each in failed] == ["Custom domain www.x.com"]
    assert "wrangler said no" in failed[0].message


def test_after_an_upload_error_all_parts_fail_if_the_target_does_not_respond() -> None:
    tools = FakeTools(fails_at="triggers")
    deploy_request = replace(request(), previous_triggers=Triggers(crons=frozenset({"1 1 * * *"})))

    with pytest.raises(Incomplete) as incomplete:
        reconcile(deploy_request, ROUTED, tools=tools, upload_error="wrangler said no")

    undone = [each.part for each in incomplete.value.parts if not each.is_done]
    assert undone == [*ROUTED.descriptions(), SCHEDULE]


def test_an_upload_error_that_left_nothing_undone_is_ignored() -> None:
    parts = reconcile(
        request(), ROUTED, tools=FakeTools(actual=ROUTED), upload_error="wrangler said no"
    )

    assert all(part.is_done for part in parts)


def test_restore_changes_only_what_differs() -> None:
    tools = FakeTools()
    found = Triggers(workers_dev=False, routes={"old.example.com/*": "example.com"})
    expected = Triggers(workers_dev=False, domains=ROUTED.domains)

    restore("worker", expected, actual=found, tools=tools)

    assert tools.calls == [
        "remove Route old.example.com/*",
        "apply Custom domain www.x.com",
    ]


def test_a_failed_part_does_not_stop_the_others() -> None:
    tools = FakeTools(fails_at="apply Route api.example.com/*")
    parts = [Part(kind=PartKind.ROUTE, name="api.example.com/*"), SCHEDULE]

    with pytest.raises(Incomplete, match=r"Route api\.example\.com/\*"):
        reapply("worker", parts, ROUTED, previous=ROUTED, tools=tools)

    assert tools.calls == ["apply Route api.example.com/*", "remove Schedule"]


def test_without_the_lease_nothing_more_is_applied() -> None:
    class Lost(FakeTools):
        def _record(self, call: str) -> None:
            raise LeaseLost(call)

    with pytest.raises(LeaseLost):
        reapply("worker", [SCHEDULE], Triggers(), previous=Triggers(), tools=Lost())


def test_an_incomplete_deployment_is_a_deploy_error() -> None:
    assert issubclass(Incomplete, DeployError)
