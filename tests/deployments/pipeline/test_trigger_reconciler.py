"""What leads to a Worker, put in order: in the pure core, with a fake of the target."""

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
    config_of,
    differences,
    parse_triggers,
)
from tests.deployments.fakes import FakeTools, request
from workflows.ir.deploy.deploy_settings import Consumer

ROUTED = Triggers(routes={"api.example.com/*": "example.com"}, domains=frozenset({"www.x.com"}))
SCHEDULE = Part(kind=PartKind.SCHEDULE, name="")


def test_what_a_wrangler_json_asks_for_is_read_from_it() -> None:
    config = {
        "workflows": [
            {"name": "own", "class_name": "Flow"},
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

    assert found.workflows == {"own": "Flow"}
    assert (found.routes, found.domains) == (ROUTED.routes, ROUTED.domains)
    assert found.consumers == {"jobs": Consumer(queue="jobs", max_retries=3)}
    assert not found.workers_dev
    assert sorted(found.crons) == ["1 1 * * *"]


def test_what_is_kept_as_a_wrangler_json_is_read_back_as_it_was() -> None:
    kept = replace(
        ROUTED,
        workflows={"own": "Flow"},
        workers_dev=False,
        crons=frozenset({"1 1 * * *"}),
        consumers={"jobs": Consumer(queue="jobs", max_retries=3)},
    )

    assert parse_triggers(config_of(kept)) == kept


def test_a_difference_says_what_is_and_what_should_be() -> None:
    told = [str(one) for one in differences(ROUTED, Triggers(crons=frozenset({"1 1 * * *"})))]

    assert told == [
        "Route api.example.com/* is missing; it should be in zone example.com.",
        "Custom domain www.x.com is missing; it should be on this Worker.",
        "Schedule is there (1 1 * * *) and should not be.",
    ]


def test_after_a_deploy_what_is_no_longer_meant_is_removed() -> None:
    tools = FakeTools()

    reconcile(
        replace(request(), previous_triggers=ROUTED), Triggers(), tools=tools, upload_error=""
    )

    assert tools.asked == ["remove Route api.example.com/*", "remove Custom domain www.x.com"]


def test_without_trouble_nothing_is_asked() -> None:
    tools = FakeTools()

    parts = reconcile(request(), ROUTED, tools=tools, upload_error="")

    assert tools.asked == []
    assert all(part.is_done for part in parts)


def test_with_trouble_each_part_is_looked_for() -> None:
    tools = FakeTools(found=Triggers(routes=ROUTED.routes))

    with pytest.raises(Incomplete) as incomplete:
        reconcile(request(), ROUTED, tools=tools, upload_error="wrangler said no")

    failed = [one for one in incomplete.value.parts if not one.is_done]
    assert [str(one.part) for one in failed] == ["Custom domain www.x.com"]
    assert "wrangler said no" in failed[0].message


def test_with_trouble_and_a_target_that_is_silent_nothing_is_known_to_be_done() -> None:
    tools = FakeTools(fails_at="triggers")
    asked = replace(request(), previous_triggers=Triggers(crons=frozenset({"1 1 * * *"})))

    with pytest.raises(Incomplete) as incomplete:
        reconcile(asked, ROUTED, tools=tools, upload_error="wrangler said no")

    undone = [one.part for one in incomplete.value.parts if not one.is_done]
    assert undone == [*ROUTED.descriptions(), SCHEDULE]


def test_trouble_that_has_left_nothing_undone_is_none() -> None:
    parts = reconcile(
        request(), ROUTED, tools=FakeTools(found=ROUTED), upload_error="wrangler said no"
    )

    assert all(part.is_done for part in parts)


def test_putting_back_changes_what_differs_and_nothing_else() -> None:
    tools = FakeTools()
    found = Triggers(workers_dev=False, routes={"old.example.com/*": "example.com"})
    wanted = Triggers(workers_dev=False, domains=ROUTED.domains)

    restore("worker", wanted, found=found, tools=tools)

    assert tools.asked == [
        "remove Route old.example.com/*",
        "put Custom domain www.x.com",
    ]


def test_one_part_that_fails_keeps_no_other_from_its_own() -> None:
    tools = FakeTools(fails_at="put Route api.example.com/*")
    parts = [Part(kind=PartKind.ROUTE, name="api.example.com/*"), SCHEDULE]

    with pytest.raises(Incomplete, match=r"Route api\.example\.com/\*"):
        reapply("worker", parts, ROUTED, previous=ROUTED, tools=tools)

    assert tools.asked == ["put Route api.example.com/*", "remove Schedule"]


def test_who_has_lost_the_lease_puts_nothing_more() -> None:
    class Lost(FakeTools):
        def _ask(self, what: str) -> None:
            raise LeaseLost(what)

    with pytest.raises(LeaseLost):
        reapply("worker", [SCHEDULE], Triggers(), previous=Triggers(), tools=Lost())


def test_an_incomplete_deployment_is_one_that_a_person_can_mend() -> None:
    assert issubclass(Incomplete, DeployError)
