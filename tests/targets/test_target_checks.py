"""The check of a target: with tokens of many kinds, and with a target that does not respond."""

from __future__ import annotations

import pytest
from django.db import connection
from pytest_django import Settings

from audit.models import Entry
from audit.trail import Actor
from deployments.resources import services as resource_services
from targets import services
from targets.checks.check_state import CheckState
from targets.checks.target_checks import NAMES, check, verdict
from targets.lookup import embedded_target
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.local_cloudflare.support.zones import create_record, create_zone
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, workflow_with_settings
from workflows.ir.reading.bindings import BindingKind

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

BY = Actor(None, "tester")
FEW = "token-with-few-rights"


def rows(target: Target) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in check(target, by=BY).checks}


def states(target: Target) -> dict[str, str]:
    return {name: row["state"] for name, row in rows(target).items()}


def let_in(control: Control, *permissions: str, **more: str) -> None:
    control.tokens(Token(token=FEW, permissions=permissions, **more))  # type: ignore[arg-type]


def test_a_token_with_all_permissions_passes_although_writes_are_not_proven(
    platform: Platform,
) -> None:
    create_zone(platform, "passes.example")
    target = account_target(platform)

    found = rows(target)

    assert list(found) == list(NAMES)
    assert {row["state"] for row in found.values()} == {"passed"}
    assert found["API token"]["message"] == "User token, active, does not expire."
    assert found["Account"]["message"] == f"Embedded platform ({platform.account_id})"
    assert found["workers.dev subdomain"]["message"] == "local.workers.dev"
    assert "will be proven by the first deploy" in found["Workers Scripts"]["message"]
    assert target.checked_at
    assert verdict(target) is CheckState.PASSED


def test_the_result_is_stored_and_recorded_in_the_audit_trail(
    platform: Platform, control: Control
) -> None:
    let_in(control, "Workers Scripts Write")
    target = check(account_target(platform, token=FEW), by=BY)

    entry = Entry.objects.get(action="target checked")

    assert Target.objects.get(pk=target.pk).checks == target.checks
    assert (entry.actor_name, entry.subject_name) == ("tester", target.name)
    assert "D1" in entry.detail["warnings"]
    assert FEW not in str(entry.detail) + str(target.checks)


def test_each_missing_permission_says_what_will_not_work(
    platform: Platform, control: Control
) -> None:
    let_in(control, "Workers Scripts Write", "Queues Read")

    found = rows(account_target(platform, token=FEW))

    assert found["Workers Scripts"]["state"] == found["Queues"]["state"] == "passed"
    for name in ("Zone", "Workers KV Storage", "D1", "Workers R2 Storage"):
        assert found[name]["state"] == "warning", found[name]
    assert "KV namespaces cannot be selected" in found["Workers KV Storage"]["message"]
    assert '"Workers KV Storage Write"' in found["Workers KV Storage"]["fix"]
    assert '"Zone Read"' in found["Zone"]["fix"]
    assert "cannot read the account's name" in found["Account"]["message"]


def test_without_permission_to_read_workers_the_check_fails(
    platform: Platform, control: Control
) -> None:
    let_in(control, "Workers KV Storage Read")

    found = rows(account_target(platform, token=FEW))

    assert found["Workers Scripts"]["state"] == "failed"
    assert found["workers.dev subdomain"]["state"] == "unknown"
    assert found["Account"]["state"] == "passed"


def test_zone_permissions_are_probed_on_a_zone_and_unknown_without_one(
    platform: Platform, control: Control
) -> None:
    zone = create_zone(platform, "rights.example")
    control.tokens(
        Token(token=FEW, permissions=("Workers Scripts Write", "Zone Read"), zones=(zone,)),
        Token(token="zoneless", permissions=("Zone Read", "Workers Scripts Write"), zones=()),
    )

    found = states(account_target(platform, token=FEW))
    zoneless = states(account_target(platform, token="zoneless", name="zoneless"))

    assert [found[name] for name in ("Zone", "Workers Routes", "DNS")] == [
        "passed",
        "warning",
        "warning",
    ]
    assert {zoneless[name] for name in ("Zone", "Workers Routes", "DNS")} == {"unknown"}


def test_an_account_owned_token_is_verified_at_its_own_path(
    platform: Platform, control: Control
) -> None:
    let_in(control, "Workers Scripts Write", kind="account")

    found = rows(account_target(platform, token=FEW))

    assert found["API token"]["message"].startswith("Account-owned token, active")


@pytest.mark.parametrize("status", ["disabled", "expired"])
def test_an_inactive_token_fails_and_nothing_else_is_checked(
    platform: Platform, control: Control, status: str
) -> None:
    let_in(control, status=status)

    found = rows(account_target(platform, token=FEW))

    assert found["API token"]["state"] == "failed"
    assert f"is {status}" in found["API token"]["message"]
    assert {row["state"] for name, row in found.items() if name != "API token"} == {"unknown"}


def test_a_wrong_token_fails(platform: Platform) -> None:
    row = rows(account_target(platform, token="wrong"))["API token"]

    assert row["state"] == "failed"
    assert "does not know this API token" in row["message"]
    assert "new token" in row["fix"]


def test_a_token_of_other_accounts_lists_them(platform: Platform) -> None:
    row = rows(account_target(platform, account_id="0" * 32))["Account"]

    assert row["state"] == "failed"
    assert f"for other accounts: Embedded platform ({platform.account_id})" in row["message"]


def test_an_account_that_the_token_cannot_read_fails(platform: Platform, control: Control) -> None:
    let_in(control)

    row = rows(account_target(platform, token=FEW, account_id="0" * 32))["Account"]

    assert row["state"] == "failed"
    assert "cannot read anything" in row["message"]


def test_a_missing_subdomain_says_where_to_choose_one(platform: Platform, control: Control) -> None:
    control.subdomain("")

    row = rows(account_target(platform))["workers.dev subdomain"]

    assert row["state"] == "failed"
    assert "Workers & Pages" in row["fix"]


def test_an_unreachable_target_fails() -> None:
    found = rows(make_target())

    assert found["API token"]["state"] == "failed"
    assert "No response from http://127.0.0.1:9" in found["API token"]["message"]


def test_a_rate_limited_target_is_unknown(platform: Platform, control: Control) -> None:
    control.faults(Fault(path="", status=429, code=971, headers={"retry-after": "90"}))

    found = rows(account_target(platform))

    assert {row["state"] for row in found.values()} == {"unknown"}
    assert verdict(Target.objects.get()) is CheckState.UNKNOWN
    assert "rate limit has been reached" in found["API token"]["message"]


def test_an_error_of_the_target_is_reported(platform: Platform, control: Control) -> None:
    control.faults(Fault(path="storage/kv", status=503, code=10013, message="out of order"))

    row = rows(account_target(platform))["Workers KV Storage"]

    assert row["state"] == "unknown"
    assert "out of order" in row["message"]


def test_a_target_that_hangs_fails_within_the_time_limit(
    platform: Platform, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("targets.cloudflare.time_limits._CALL_SECONDS", 0.3)
    monkeypatch.setattr("targets.cloudflare.time_limits._TOTAL_SECONDS", 1.0)
    control.faults(Fault(path="", hang=True))

    row = rows(account_target(platform))["API token"]

    assert row["state"] == "failed"
    assert "did not respond within 1 seconds" in row["message"]


def test_a_token_that_cannot_be_decrypted_fails(platform: Platform) -> None:
    target = account_target(platform)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE targets_target SET api_token = 'damaged'")

    row = rows(Target.objects.defer("api_token").get(pk=target.pk))["API token"]

    assert row["state"] == "failed"
    assert "cannot be decrypted" in row["message"]


def test_the_embedded_platform_is_checked_in_the_same_way(
    platform: Platform, settings: Settings
) -> None:
    here = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=here)

    found = rows(embedded_target())

    assert found["API token"]["state"] == found["Workers Scripts"]["state"] == "passed"


def test_a_deployment_proves_what_the_token_may_write(platform: Platform) -> None:
    zone = create_zone(platform, "proven.example")
    create_record(platform, zone, name="proven.example", type="AAAA", content="100::", proxied=True)
    target = account_target(platform)
    routes = [{"pattern": "proven.example/*", "zoneName": "proven.example"}]
    ended = deploy(workflow_with_settings({"routes": routes}), target)
    assert ended.status == "succeeded", ended.message

    found = rows(target)

    for name in ("Workers Scripts", "Workers Routes"):
        assert f"Write access was proven by deployment #{ended.pk}" in found[name]["message"]
    assert "will be proven" in found["Queues"]["message"]


def test_a_new_token_has_no_proofs(platform: Platform) -> None:
    target = account_target(platform)
    deploy(make_workflow(), target)
    resource_services.create(target, BindingKind.QUEUE, "proof-of-queues", by=BY)
    assert "proven by the queue proof-of-queues" in rows(target)["Queues"]["message"]

    services.save(target, by=BY, changed={"api_token"})

    found = rows(target)
    assert "will be proven" in found["Workers Scripts"]["message"]
    assert "will be proven" in found["Queues"]["message"]
