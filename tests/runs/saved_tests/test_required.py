"""Deploys to a target that requires tests, which are run for real."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from audit.models import Entry
from audit.trail import SYSTEM
from deployments.models import Deployment
from deployments.services import required_tests
from deployments.services.deploy import request_deployment
from runs.models import TestResult
from runs.saved_tests.execution import run_test, saved_tests
from runs.test_runs.draft_request import Runnable
from targets.models import Target
from targets.policy import Consent
from tests.deployments.factories import make_target
from tests.runs.test_runs.drafts import step
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain
from workflows.models import Workflow
from workflows.services import import_document, save_draft

pytestmark = pytest.mark.django_db(transaction=True)
REFUSAL = 'The target strict requires tests, and "wrong" fails: The output of "read" is 3, not 4.'


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


@pytest.fixture
def strict() -> Target:
    return make_target(name="strict", requires_tests=True)


def saved(name: str, output: int) -> dict[str, Any]:
    expect = {"outputs": {"read": {"value": output}}}
    return {"name": name, "payload": {"n": 2}, "expect": expect}


def workflow_with(*tests: dict[str, Any]) -> Workflow:
    workflow = import_document(chain(step("read", "return event.payload.n + 1;")))
    workflow.tests = list(tests)
    save_draft(workflow)
    return workflow


def test_a_failing_test_refuses_the_deploy_with_its_difference(strict: Target) -> None:
    workflow = workflow_with(saved("right", 3), saved("wrong", 4))
    with pytest.raises(required_tests.TestsFailed) as refused:
        request_deployment(workflow, target=strict)
    assert str(refused.value).startswith(REFUSAL)
    with pytest.raises(CommandError, match="--override-tests"):
        call_command("deploy_workflow", workflow.pk, "--target", "strict")
    assert not Deployment.objects.exists()


def test_passing_tests_are_run_once_for_each_content(strict: Target) -> None:
    workflow = workflow_with(saved("right", 3))
    request_deployment(workflow, target=strict)
    workflow.tests = [saved("renamed", 3)]
    save_draft(workflow)
    deployment = request_deployment(workflow, target=strict)
    result = TestResult.objects.get()
    assert deployment.required_tests == [{"name": "renamed", "passed": True, "result": result.pk}]
    assert Deployment.objects.count() == 2


def test_the_tests_of_the_version_count_not_those_of_the_draft(strict: Target) -> None:
    workflow = workflow_with(saved("wrong", 4))
    workflow.tests = []
    workflow.save()
    with pytest.raises(required_tests.TestsFailed):
        request_deployment(workflow, target=strict)


def test_a_result_of_the_draft_counts_for_the_version_with_the_same_content(strict: Target) -> None:
    workflow = workflow_with(saved("right", 3))
    runnable = Runnable.draft(workflow)
    run_test(runnable, saved_tests(runnable)["right"], by=SYSTEM)
    request_deployment(workflow, target=strict)
    assert TestResult.objects.count() == 1


def test_a_reason_deploys_anyway_and_is_on_the_trail(strict: Target) -> None:
    workflow = workflow_with(saved("wrong", 4))
    request_deployment(workflow, target=strict, consent=Consent(tests_reason="customers wait"))
    entry = Entry.objects.get(action="tests overridden")
    assert (entry.reason, entry.detail["failed"]) == ("customers wait", ["wrong"])


def test_the_dialog_shows_the_failing_test(admin_client: Client, strict: Target) -> None:
    workflow = workflow_with(saved("wrong", 4))
    address = f"/workflows/{workflow.pk}/deploy/preflight/?target={strict.pk}"
    shown = admin_client.get(address).content.decode()
    assert "&quot;wrong&quot; fails: The output of &quot;read&quot; is 3, not 4." in shown
