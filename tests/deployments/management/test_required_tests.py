"""deploy_workflow with a target that requires tests."""

from __future__ import annotations

import json
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.fake_tests import WRONG_OUTPUT, FakeTests
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_workers"),
]


def plan(platform: Platform, *options: str) -> str:
    """Return what `deploy_workflow --plan` prints."""
    target = account_target(platform, name="production", requires_tests=True)
    out = StringIO()
    with suppress(SystemExit):
        call_command(
            "deploy_workflow",
            make_workflow().pk,
            "--plan",
            *options,
            target=target.name,
            stdout=out,
        )
    return out.getvalue()


def test_the_refusal_names_the_option_that_overrides_it(fake_tests: FakeTests) -> None:
    fake_tests.fail("approved")
    target = make_target(requires_tests=True)

    with pytest.raises(CommandError, match=r"with a reason\. Use --override-tests REASON$"):
        call_command("deploy_workflow", make_workflow().pk, target=target.name)

    assert not Deployment.objects.exists()


def test_a_plan_lists_the_tests_that_fail(fake_tests: FakeTests, platform: Platform) -> None:
    fake_tests.fail("approved", "declined")

    printed = plan(platform)

    failed = f'  ✗ "approved" fails: {WRONG_OUTPUT}\n  ✗ "declined" fails: {WRONG_OUTPUT}\n'
    assert f"✗ Tests\n{failed}" in printed
    assert "(1 more fails.) Fix it, or override with a reason. Use --override-tests" in printed
    assert len(fake_tests.versions) == 1


def test_a_plan_as_json_has_the_tests(fake_tests: FakeTests, platform: Platform) -> None:
    fake_tests.fail("approved")

    printed = json.loads(plan(platform, "--json"))

    assert not printed["canDeploy"]
    assert "Use --override-tests REASON" in printed["findings"][0]["message"]
    check = printed["checks"][-1]
    assert (check["name"], check["state"]) == ("Tests", "failed")
    assert [row["message"] for row in check["findings"]] == [f'"approved" fails: {WRONG_OUTPUT}']


def test_a_plan_with_a_reason_can_be_deployed(fake_tests: FakeTests, platform: Platform) -> None:
    fake_tests.fail("approved")

    printed = json.loads(plan(platform, "--json", "--override-tests", "customers are waiting"))

    assert printed["canDeploy"]
    assert printed["checks"][-1]["state"] == "warning"


@pytest.mark.usefixtures("fake_tests")
def test_a_plan_warns_about_a_version_without_tests(platform: Platform) -> None:
    printed = plan(platform)

    assert "! Tests\n  ! This version has no tests.\n" in printed
    assert "A new Worker." in printed


def test_a_platform_that_does_not_respond_fails_the_check(
    fake_tests: FakeTests, platform: Platform
) -> None:
    fake_tests.problem = "The embedded platform does not respond."

    assert "✗ Tests\n  ✗ The embedded platform does not respond.\n" in plan(platform)


def test_a_plan_for_a_snapshot_runs_no_tests(fake_tests: FakeTests) -> None:
    earlier = make_deployment(target=make_target(requires_tests=True), status="succeeded")
    out = StringIO()

    with suppress(SystemExit):
        call_command(
            "deploy_workflow",
            earlier.workflow_public_id,
            "--plan",
            snapshot=earlier.pk,
            stdout=out,
        )

    assert "Tests" not in out.getvalue()
    assert fake_tests.versions == []


def test_a_plan_of_a_snapshot_says_that_it_would_be_refused(platform: Platform) -> None:
    target = account_target(platform, name="production", requires_tests=True)
    earlier = make_deployment(target=target, status="cancelled")
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command(
            "deploy_workflow", earlier.workflow_public_id, "--plan", snapshot=earlier.pk, stdout=out
        )

    assert "v1 has neither passed them nor been live there. Restore that version" in out.getvalue()
