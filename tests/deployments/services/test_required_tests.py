"""Targets that require tests: which deploys run them, what refuses, and who may override it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from deployments.queue.enqueue import enqueue_retry
from deployments.services import control, required_tests
from deployments.services.archive import archive
from deployments.services.deploy import request_deployment, request_snapshot
from deployments.services.required_tests import RequiredTest
from targets.models import Target
from targets.policy import Consent, Refused
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.fake_tests import WRONG_OUTPUT, FakeTests
from workflows.models import Workflow
from workflows.services import save_draft, set_variable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
REASON = Consent(tests_reason="customers are waiting")
ADA = Actor(name="ada")


def strict(**fields: Any) -> Target:
    return make_target(name="production", requires_tests=True, **fields)


def refusal(target: Target, workflow: Workflow | None = None, **more: Any) -> str:
    with pytest.raises(Refused) as refused:
        request_deployment(workflow or make_workflow(), target=target, **more)
    assert not Deployment.objects.exists()
    assert not Entry.objects.filter(action="tests overridden").exists()
    return str(refused.value)


def test_a_version_whose_tests_pass_is_deployed(fake_tests: FakeTests) -> None:
    fake_tests.tests = [RequiredTest(name="approved", passed=True, result=7)]

    created = request_deployment(make_workflow(), target=strict(), by=ADA)

    assert created.version_number == 1
    assert created.required_tests == [{"name": "approved", "passed": True, "result": 7}]
    assert (fake_tests.versions, fake_tests.actors) == ([1], [ADA])


def test_without_a_runner_every_version_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(required_tests, "_runners", [])

    assert request_deployment(make_workflow(), target=strict()).pk


def test_other_targets_run_no_tests(fake_tests: FakeTests) -> None:
    fake_tests.fail("approved")

    assert request_deployment(make_workflow(), target=make_target()).pk
    assert fake_tests.versions == []


@pytest.mark.parametrize(
    ("names", "more"),
    [
        (["approved"], ""),
        (["approved", "declined"], " (1 more fails.)"),
        (["approved", "declined", "late"], " (2 more fail.)"),
    ],
)
def test_a_failed_test_refuses_the_deploy(
    fake_tests: FakeTests, names: list[str], more: str
) -> None:
    fake_tests.fail(*names)

    assert refusal(strict()) == (
        f'The target production requires tests, and "approved" fails: {WRONG_OUTPUT}{more} '
        "Fix it, or override with a reason."
    )


def test_a_platform_that_does_not_respond_refuses_the_deploy(fake_tests: FakeTests) -> None:
    fake_tests.problem = "The embedded platform does not respond."

    assert refusal(strict()) == (
        "The target production requires tests, and they could not be run: The embedded platform does "
        "not respond. Try again, or override with a reason."
    )


def test_an_override_is_recorded_with_its_reason_and_the_failed_tests(
    fake_tests: FakeTests,
) -> None:
    fake_tests.fail("approved", "declined")
    workflow, target = make_workflow(), strict()

    created = request_deployment(workflow, target=target, by=ADA, consent=REASON)

    entry = Entry.objects.get(action="tests overridden")
    assert entry.reason == "customers are waiting"
    assert created.reason == "Required tests overridden: customers are waiting"
    assert (entry.actor_name, entry.subject_name) == ("ada", "production")
    assert entry.detail == {
        "workflow": workflow.pk,
        "version": 1,
        "failed": ["approved", "declined"],
    }


def test_an_override_without_results_is_recorded_with_the_problem(fake_tests: FakeTests) -> None:
    fake_tests.problem = "The embedded platform does not respond."

    request_deployment(make_workflow(), target=strict(), consent=REASON)

    entry = Entry.objects.get(action="tests overridden")
    assert (entry.detail["failed"], entry.detail["problem"]) == ([], fake_tests.problem)


@pytest.mark.usefixtures("fake_tests")
def test_a_reason_that_was_not_needed_is_not_recorded() -> None:
    created = request_deployment(make_workflow(), target=strict(), consent=REASON)

    assert created.reason == ""
    assert not Entry.objects.filter(action="tests overridden").exists()


def test_a_reason_of_spaces_overrides_nothing(fake_tests: FakeTests) -> None:
    fake_tests.fail("approved")

    assert '"approved" fails' in refusal(strict(), consent=Consent(tests_reason=" "))


def test_overriding_tests_needs_the_permission(fake_tests: FakeTests) -> None:
    fake_tests.fail("approved")
    ada, target = deployer(), strict()
    message = refusal(target, by=Actor.of(ada), consent=REASON)
    assert "or ask someone who has permission to override required tests." in message
    ada.user_permissions.add(Permission.objects.get(codename="override_tests"))

    again = Actor.of(User.objects.get(pk=ada.pk))
    assert request_deployment(make_workflow(), target=target, by=again, consent=REASON).pk


def deployer() -> User:
    ada = User.objects.create_user("ada")
    ada.user_permissions.add(Permission.objects.get(codename="add_deployment"))
    return ada


def test_a_user_who_loses_the_permission_while_the_tests_run_deploys_nothing(
    fake_tests: FakeTests,
) -> None:
    ada = deployer()
    assert ada.has_perm("deployments.add_deployment")
    fake_tests.meanwhile = ada.user_permissions.clear

    message = refusal(strict(), by=Actor.of(ada))

    assert message == "You no longer have permission to deploy."


def test_nothing_is_deployed_to_a_target_that_is_deleted_or_protected_while_the_tests_run(
    fake_tests: FakeTests,
) -> None:
    target, by = strict(), Actor.of(deployer())
    fake_tests.meanwhile = lambda: Target.objects.update(protected=True)
    assert "is protected, and you are not in any group" in refusal(target, by=by)
    fake_tests.meanwhile = Target.objects.all().delete

    assert refusal(target, by=by) == "The target production was deleted in the meantime."


def test_a_deploy_that_is_refused_anyway_runs_no_tests(fake_tests: FakeTests) -> None:
    archived, changed = make_workflow(), make_workflow()
    archive(archived, by=ADA)
    changed.entry_code = "// v2"
    save_draft(changed)
    target, since = strict(), timezone.now() - timedelta(hours=1)

    assert "archived" in refusal(target, archived)
    assert "v1 is not the newest version" in refusal(target, changed, version=1)
    Target.objects.filter(pk=target.pk).update(frozen_from=since)
    assert "is frozen" in refusal(Target.objects.get(pk=target.pk))
    assert fake_tests.versions == []


def test_a_version_saved_while_the_tests_run_is_not_deployed_untested(
    fake_tests: FakeTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make_workflow()

    def save_another(*_call: object) -> list[RequiredTest]:
        workflow.entry_code = "// v2"
        save_draft(workflow)
        return []

    monkeypatch.setattr(required_tests, "_runners", [fake_tests, save_another])

    assert "v1 is not the newest version: the workflow has v2 now" in refusal(strict(), workflow)


@pytest.mark.django_db(transaction=True)
def test_tests_run_outside_of_any_transaction(fake_tests: FakeTests) -> None:
    request_deployment(make_workflow(), target=strict())

    assert fake_tests.versions == [1]
    assert not fake_tests.in_transaction


def test_what_was_deployed_before_is_not_tested_again(fake_tests: FakeTests) -> None:
    fake_tests.fail("approved")
    target = strict()
    part = {"kind": "schedule", "name": "", "done": False, "message": "no"}
    make: dict[str, Any] = {"target": target, "finished_at": timezone.now(), "version_id": "v1"}
    first = make_deployment(status="succeeded", **make)
    partial = make_deployment(
        workflow=first.workflow, status="partial", about=first, parts=[part], **make
    )

    assert control.retry_failed(partial).pk
    assert request_snapshot(first).pk
    assert control.roll_back(first).pk
    assert fake_tests.versions == []


@pytest.mark.parametrize(
    "tests",
    [
        None,  # it was queued before the target required tests
        [],  # they could not be run, and that was overridden
        [{"name": "approved", "passed": False, "result": None}],  # overridden
    ],
)
@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_snapshot_that_was_never_live_is_not_a_way_around_the_tests(
    status: str, tests: list[dict[str, Any]] | None
) -> None:
    earlier = make_deployment(target=strict(), status=status, required_tests=tests)

    with pytest.raises(Refused, match="has neither passed them nor been live there"):
        request_snapshot(earlier)

    assert not Deployment.objects.exclude(pk=earlier.pk).exists()


def test_a_snapshot_that_passed_its_tests_can_be_deployed() -> None:
    passed = [{"name": "approved", "passed": True, "result": None}]
    earlier = make_deployment(target=strict(), status="cancelled", required_tests=passed)

    assert request_snapshot(earlier).required_tests == passed


def test_a_snapshot_of_a_version_that_was_live_can_be_deployed() -> None:
    live = make_deployment(target=strict(), status="succeeded", version_id="v1")
    failed = make_deployment(workflow=live.workflow, target=live.target, status="failed")

    assert request_snapshot(failed).pk


def test_a_retry_of_a_busy_target_keeps_the_results_of_the_tests() -> None:
    passed = [{"name": "approved", "passed": True, "result": None}]
    busy = make_deployment(target=strict(), status="failed", required_tests=passed)

    again = enqueue_retry(busy, not_before=timezone.now())

    assert again
    assert again.required_tests == passed


def test_secrets_are_masked_in_the_refusal(fake_tests: FakeTests) -> None:
    workflow = make_workflow()
    set_variable("KEY", "s3cret-s3cret", workflow=workflow, is_secret=True)
    shown = 'The output of "Charge" is s3cret-s3cret.'
    fake_tests.tests = [RequiredTest(name="approved", passed=False, difference=shown)]

    assert "s3cret" not in refusal(strict(), workflow)
