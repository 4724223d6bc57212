"""The tests that a target requires before a deployment."""

from __future__ import annotations

from audit.trail import Actor
from deployments.services.required_tests import RequiredTest
from runs.models import TestResult
from runs.saved_tests.execution import run_all, saved_tests
from runs.test_runs.draft_request import Runnable
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.models import WorkflowVersion


def run_tests(version: WorkflowVersion, by: Actor) -> list[RequiredTest]:
    """Run the tests of a version that have not passed with its content, and return how all of them ended.

    Raises DeployError if the embedded platform is off or does not respond.
    """
    runnable = Runnable.version(version)
    try:
        tests = saved_tests(runnable)
        results = list(run_all(runnable, tests.values(), by=by, again=False))
    except InvalidTests as invalid:
        problem = str(invalid.problems[0])
        return [RequiredTest(name="tests", passed=False, difference=problem)]
    return [_as_required(name, result) for name, result in zip(tests, results, strict=True)]


def _as_required(name: str, result: TestResult) -> RequiredTest:
    """Two tests that differ only in their names share a result."""
    first = str(result.differences[0]["message"]) if result.differences else ""
    return RequiredTest(name=name, passed=result.passed, difference=first, result=result.pk)
