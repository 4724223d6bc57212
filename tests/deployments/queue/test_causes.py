"""Each failure has a cause, ends at its stage, gives advice, and leaves the target unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from targets.cloudflare.errors import Cause
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.local_cloudflare.support.workers import deploy_worker
from tests.local_cloudflare.support.zones import create_record, create_route, create_zone
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    workflow_with_settings,
)
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

HELLO = 'export default { fetch: () => new Response("hello") }'
READS = ("Workers Scripts Read", "Account Settings Read")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def is_told(failed: Deployment, cause: Cause, stage: Stage, *words: str) -> None:
    """Check the stage, the cause and the message, and that nothing was uploaded."""
    assert (failed.state, failed.cause) == (Status.FAILED, cause), failed.message
    assert failed.stage == stage
    for word in words:
        assert word in failed.message
    assert failed.uploaded == "no"


def with_token(platform: Platform, control: Control, **fields: Any) -> Target:
    control.tokens(Token(token="another-token", **fields))
    return account_target(platform, token="another-token")


def test_a_wrong_token(platform: Platform, control: Control) -> None:
    failed = deploy(make_workflow(), account_target(platform, token="not-a-token"))

    is_told(failed, Cause.CREDENTIALS, Stage.INITIALIZING, "rejected the credentials")
    assert control.writes() == []


@pytest.mark.parametrize("status", ["disabled", "expired"])
def test_a_token_that_is_no_longer_active(
    platform: Platform, control: Control, status: Any
) -> None:
    target = with_token(platform, control, status=status, permissions=READS)

    is_told(
        deploy(make_workflow(), target),
        Cause.CREDENTIALS,
        Stage.INITIALIZING,
        f"The API token is {status}, not active",
        "Create a new one",
    )


@pytest.mark.long
def test_a_token_of_the_account_itself_deploys(platform: Platform, control: Control) -> None:
    target = with_token(platform, control, kind="account", permissions=("Workers Scripts Write",))

    assert deploy(make_workflow(), target).state is Status.SUCCEEDED


def test_an_account_that_the_token_is_not_for(platform: Platform) -> None:
    elsewhere = account_target(platform, account_id="b" * 32)

    is_told(
        deploy(make_workflow(), elsewhere),
        Cause.CREDENTIALS,
        Stage.INITIALIZING,
        "not for the account " + "b" * 32,
    )


def test_a_permission_that_is_missing_is_named(platform: Platform, control: Control) -> None:
    target = with_token(platform, control, permissions=("Account Settings Read",))

    is_told(
        deploy(make_workflow(), target),
        Cause.PERMISSION,
        Stage.INITIALIZING,
        '"Workers Scripts Read"',
    )


def test_a_missing_write_permission_is_found_by_the_first_deploy(
    platform: Platform, control: Control
) -> None:
    target = with_token(platform, control, permissions=READS)

    is_told(
        deploy(make_workflow(), target),
        Cause.PERMISSION,
        Stage.DEPLOYING,
        '"Workers Scripts Write"',
    )


@pytest.mark.long
def test_an_account_without_a_subdomain(target: Target, control: Control) -> None:
    control.subdomain("")

    is_told(
        deploy(make_workflow(), target),
        Cause.ROUTING,
        Stage.INITIALIZING,
        "no workers.dev subdomain",
        "Choose one in the Cloudflare dashboard",
    )
    assert control.writes() == []


def test_a_missing_binding_id(target: Target) -> None:
    failed = deploy(make_workflow("return [env.MY_KV, env.MY_DB];"), target)

    is_told(
        failed,
        Cause.ENVIRONMENT,
        Stage.DETECTING_BINDINGS,
        "MY_KV_BINDING_ID",
        "MY_DB_BINDING_ID",
    )


def test_a_type_error(target: Target) -> None:
    failed = deploy(make_workflow('const n: number = "text"; return n;'), target)

    is_told(failed, Cause.CODE, Stage.GENERATING_CODE, "Only step (only), line 1", "TS2322")


@pytest.mark.long
def test_npm_packages_that_do_not_exist(target: Target) -> None:
    workflow = make_workflow()
    workflow.dependencies = {"no-such-package-of-awaitstep": "9.9.9"}
    edit_workflow(workflow)

    is_told(deploy(workflow, target), Cause.PACKAGES, Stage.CREATING_WORKER, "npm could not")


def test_a_target_that_does_not_respond() -> None:
    is_told(
        deploy(make_workflow(), make_target()),
        Cause.UNREACHABLE,
        Stage.INITIALIZING,
        "No response from",
    )


def test_a_workflow_name_of_another_worker(
    platform: Platform, target: Target, control: Control
) -> None:
    workflow = make_workflow()
    name = f"awaitstep-{workflow.pk}"
    deploy_worker(platform, "somebody-elses", HELLO)
    platform.client().workflows.update(
        name, account_id=platform.account_id, class_name="Theirs", script_name="somebody-elses"
    )
    control.forget_calls()

    failed = deploy(workflow, target)

    is_told(failed, Cause.TAKEN, Stage.INITIALIZING, "belongs to the Worker somebody-elses")
    assert control.writes() == []


def routed(platform: Platform, zone: str) -> dict[str, Any]:
    create_zone(platform, zone)
    return {"routes": [{"pattern": f"api.{zone}/*", "zoneName": zone}]}


def test_a_route_of_another_worker(platform: Platform, target: Target, control: Control) -> None:
    settings = routed(platform, "taken.example")
    (zone,) = platform.client().zones.list(name="taken.example")
    deploy_worker(platform, "route-owner", HELLO)
    create_route(platform, zone.id, "api.taken.example/*", "route-owner")
    control.forget_calls()

    failed = deploy(workflow_with_settings(settings), target)

    is_told(failed, Cause.TAKEN, Stage.INITIALIZING, "belongs to the Worker route-owner")
    assert control.writes() == []


def test_a_zone_that_the_account_does_not_have(target: Target) -> None:
    settings = {"routes": [{"pattern": "api.nowhere.example/*", "zoneName": "nowhere.example"}]}

    failed = deploy(workflow_with_settings(settings), target)

    is_told(failed, Cause.ROUTING, Stage.INITIALIZING, "has no zone nowhere.example")


@pytest.mark.long
def test_a_route_without_a_proxied_record_is_a_warning_with_the_record_to_create(
    platform: Platform, target: Target
) -> None:
    done = deploy(workflow_with_settings(routed(platform, "unproxied.example")), target)

    assert done.state is Status.SUCCEEDED
    (warning,) = [item for item in done.warnings if item["path"].startswith("api.")]
    assert "has no DNS record" in warning["message"]
    assert "AAAA api 100:: proxied" in warning["fix"]


@pytest.mark.long
def test_a_route_with_a_proxied_record_causes_no_warning(
    platform: Platform, target: Target
) -> None:
    settings = routed(platform, "proxied.example")
    (zone,) = platform.client().zones.list(name="proxied.example")
    create_record(
        platform, zone.id, name="api.proxied.example", type="AAAA", content="100::", proxied=True
    )

    assert deploy(workflow_with_settings(settings), target).warnings == []


@pytest.mark.long
def test_a_custom_domain_that_would_replace_a_record(platform: Platform, target: Target) -> None:
    zone = create_zone(platform, "domain.example")
    create_record(platform, zone, name="www.domain.example")

    failed = deploy(workflow_with_settings({"customDomains": ["www.domain.example"]}), target)

    is_told(failed, Cause.TAKEN, Stage.INITIALIZING, "already has a DNS record")


def test_a_manually_changed_worker_is_only_overwritten_on_request(
    target: Target, control: Control
) -> None:
    first = deploy(make_workflow(), target)
    control.dashboard_edit(first.worker_name)
    assert first.workflow

    refused = deploy(first.workflow, target)
    forced = deploy(first.workflow, target, overwrite=True)

    is_told(refused, Cause.CHANGED, Stage.INITIALIZING, "in the Cloudflare dashboard", "overwrite")
    assert forced.state is Status.SUCCEEDED, forced.message


def test_a_value_over_cloudflares_limit(target: Target) -> None:
    workflow = make_workflow("return env.LONG;")
    set_variable("LONG", "x" * 6000, workflow=workflow)

    is_told(deploy(workflow, target), Cause.LIMIT, Stage.BINDINGS_READY, "6,000 bytes", "5,120")


def test_an_error_during_the_upload_keeps_what_was_live(target: Target, control: Control) -> None:
    first = deploy(make_workflow(), target)
    control.faults(Fault(method="POST", path="/versions$", status=400, code=10021, message="bad"))
    assert first.workflow

    failed = deploy(edit_workflow(first.workflow, code="return 2;"), target)

    is_told(failed, Cause.CODE, Stage.DEPLOYING, "[code 10021]")
    assert failed.live_version == first.version_id
