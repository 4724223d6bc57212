"""Routes, domains and Workflows, read and changed on a real platform without a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from targets.cloudflare import triggers, zones
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import Part, PartKind, Triggers, WorkflowPart
from tests.local_cloudflare.support.control import Control, Token
from tests.local_cloudflare.support.workers import HELLO, WORKFLOW, deploy_worker, workflow_binding
from tests.local_cloudflare.support.zones import (
    create_record,
    create_route,
    create_zone,
    route_patterns,
)
from tests.support.platform_fixture import Platform
from workflows.ir.deploy.deploy_settings import Route
from workflows.ir.deploy.workflow_settings import WorkflowSettings

WORKER = "addressed"
ZONE = "addressed.example"


@pytest.fixture(scope="module")
def zone(platform: Platform) -> str:
    deploy_worker(platform, WORKER, HELLO)
    return create_zone(platform, ZONE)


@pytest.fixture
def account(platform: Platform, zone: str) -> Account:
    return Account(
        account_id=platform.account_id,
        api_base_url=platform.api_base_url,
        api_token=platform.token,
    )


def routed(*patterns: str, zone: str = ZONE) -> Triggers:
    return Triggers(routes=dict.fromkeys(patterns, zone))


def remove(account: Account, pattern: str, previous: Triggers) -> None:
    triggers.remove(account, WORKER, Part(kind=PartKind.ROUTE, name=pattern), previous)


@pytest.mark.parametrize("pattern", [f"*{ZONE}/*", f"*.{ZONE}/*", f"api.{ZONE}/*"])
def test_a_route_is_removed_from_its_recorded_zone(
    platform: Platform, zone: str, account: Account, pattern: str
) -> None:
    create_route(platform, zone, pattern, WORKER)

    remove(account, pattern, routed(pattern))

    assert route_patterns(platform, zone) == {}


def test_a_route_is_not_removed_from_a_child_zone_instead(
    platform: Platform, zone: str, account: Account
) -> None:
    create_zone(platform, f"child.{ZONE}")
    pattern = f"child.{ZONE}/*"
    create_route(platform, zone, pattern, WORKER)

    remove(account, pattern, routed(pattern))

    assert route_patterns(platform, zone) == {}


def test_a_route_without_a_record_is_removed_from_the_zone_of_its_host(
    platform: Platform, zone: str, account: Account
) -> None:
    create_route(platform, zone, f"*{ZONE}/theirs", WORKER)

    remove(account, f"*{ZONE}/theirs", Triggers())

    assert route_patterns(platform, zone) == {}


def test_the_hosts_own_dns_record_takes_precedence_over_a_wildcard(
    platform: Platform, zone: str, account: Account
) -> None:
    create_record(platform, zone, name="*", proxied=True)
    create_record(platform, zone, name="past", proxied=False)
    routes = [Route(pattern=f"{name}.{ZONE}/*", zone=ZONE) for name in ("any", "past")]

    sites = zones.route_sites(account, routes)

    assert [site.dns for site in sites] == ["proxied", "not proxied"]


def test_a_wildcard_dns_record_does_not_block_a_custom_domain(
    platform: Platform, account: Account
) -> None:
    wild = create_zone(platform, f"wild.{ZONE}")
    create_record(platform, wild, name="*", proxied=True)
    create_record(platform, wild, name="own", proxied=True)

    sites = zones.domain_sites(account, [f"api.wild.{ZONE}", f"own.wild.{ZONE}"])

    assert [site.has_record for site in sites] == [False, True]


def flow_part(name: str, **settings: Any) -> Triggers:
    part = WorkflowPart(class_name="Flow", settings=WorkflowSettings(**settings))
    return Triggers(workflows={name: part})


def test_the_settings_of_a_workflow_are_applied_and_read_back(
    platform: Platform, account: Account
) -> None:
    deploy_worker(platform, "tuned", WORKFLOW, workflow_binding("tuned"))
    part = Part(kind=PartKind.WORKFLOW, name="tuned")
    expected = flow_part(
        "tuned",
        concurrency_limit=3,
        step_limit=70,
        success_retention=60_000,
        error_retention=120_000,
        schedules=("0 8 * * *",),
        jurisdiction="eu",
    )

    triggers.apply(account, "tuned", part, expected)
    found = triggers.read(account, "tuned", expected)
    triggers.apply(account, "tuned", part, flow_part("tuned", jurisdiction="eu"))
    cleared = triggers.read(account, "tuned", expected)

    assert found.workflows == expected.workflows
    assert cleared.workflows == flow_part("tuned", jurisdiction="eu").workflows


@pytest.mark.parametrize("jurisdiction", ["us", ""])
def test_the_jurisdiction_of_a_workflow_is_not_changed(
    platform: Platform, account: Account, jurisdiction: str
) -> None:
    deploy_worker(platform, "settled", WORKFLOW, workflow_binding("settled"))
    part = Part(kind=PartKind.WORKFLOW, name="settled")
    triggers.apply(account, "settled", part, flow_part("settled", jurisdiction="eu"))

    with pytest.raises(DeployError, match="has the jurisdiction eu, but") as refused:
        triggers.check_can_apply(
            account, "settled", part, flow_part("settled", jurisdiction=jurisdiction)
        )

    assert refused.value.cause is Cause.JURISDICTION


def test_a_workflow_of_another_worker_is_not_taken_over(
    platform: Platform, zone: str, account: Account
) -> None:
    deploy_worker(platform, "other-addressed", WORKFLOW)
    theirs = {"script_name": "other-addressed", "class_name": "Flow"}
    platform.api("PUT", "workflows/addressed-flow", json=theirs).raise_for_status()
    part = Part(kind=PartKind.WORKFLOW, name="addressed-flow")

    with pytest.raises(DeployError, match="belongs to the Worker other-addressed") as refused:
        triggers.apply(account, WORKER, part, flow_part(part.name))

    assert refused.value.cause is Cause.TAKEN
    kept = account.workflow("addressed-flow")
    assert kept
    assert kept.worker == "other-addressed"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(PartKind.ROUTE, "api.nowhere.example/*"), (PartKind.DOMAIN, "nowhere.example")],
)
def test_a_missing_zone_is_reported_before_anything_is_applied(
    account: Account, kind: PartKind, name: str
) -> None:
    expected = routed(name, zone="nowhere.example")

    with pytest.raises(DeployError, match="The account has no zone") as refused:
        triggers.check_can_apply(account, WORKER, Part(kind=kind, name=name), expected)

    assert refused.value.cause is Cause.ROUTING


def test_an_unreadable_zone_is_not_treated_as_a_zone_without_routes(
    account: Account, control: Control
) -> None:
    control.tokens(Token(token="scripts-alone", permissions=("Workers Scripts Write",)))
    narrow = replace(account, api_token="scripts-alone")
    previous = routed(f"api.{ZONE}/*")

    with pytest.raises(DeployError, match="Zone Read") as removing:
        remove(narrow, f"api.{ZONE}/*", previous)
    with pytest.raises(DeployError, match="Zone Read") as reading:
        triggers.read(narrow, WORKER, previous)

    assert removing.value.cause is reading.value.cause is Cause.PERMISSION
