"""The tests that a target requires before a deployment."""

from __future__ import annotations

from audit.trail import Actor
from deployments.services.required_tests import FailedTest
from runs.models import TestResult
from runs.saved_tests.execution import run_all, saved_tests
from runs.test_runs.draft_request import Runnable
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.models import WorkflowVersion


def failed_tests(version: WorkflowVersion, by: Actor) -> list[FailedTest]:
    """Run the tests of a version that have not passed with its content, and return those that fail.

    Raises DeployError if the embedded platform is off or does not respond.
    """
    runnable = Runnable.version(version)
    try:
        results = list(run_all(runnable, saved_tests(runnable).values(), by=by, again=False))
    except InvalidTests as invalid:
        return [FailedTest(name="tests", difference=str(invalid.problems[0]))]
    return [
        FailedTest(name=each.name, difference=_first(each)) for each in results if not each.passed
    ]


def _first(result: TestResult) -> str:
    return str(result.differences[0]["message"]) if result.differences else ""
