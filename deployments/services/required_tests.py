"""Required tests: to some targets, a version is only deployed if all of its tests pass.

The app `runs` runs the tests. It lies above this one, so it registers the function that runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from audit import trail
from audit.trail import Actor
from deployments.history import tested_versions
from deployments.models import Deployment
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.models import Target
from targets.permissions import OVERRIDE_TESTS
from targets.policy import Consent, Refused
from targets.services import subject_of
from toolchain.redaction import redact
from workflows.masked_values import masked_values
from workflows.models import Workflow, WorkflowVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredTest:
    """A test that was run; `result` is the key of its stored result, if there is one.

    If it fails, `difference` is a sentence: 'The output of "Charge" is 3, not 4.'
    """

    name: str
    passed: bool
    difference: str = ""
    result: int | None = None

    def __str__(self) -> str:
        return f'"{self.name}" fails: {self.difference}'


Runner = Callable[[WorkflowVersion, Actor], list[RequiredTest]]
"""Runs the tests of a version.

It may take seconds. It raises DeployError if the embedded platform is off or does not respond.
"""

_runners: list[Runner] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """How the tests of a version ended; `problem` says why they could not be run."""

    version: WorkflowVersion
    tests: tuple[RequiredTest, ...] = ()
    problem: str = ""

    @property
    def failed(self) -> list[RequiredTest]:
        return [test for test in self.tests if not test.passed]

    @property
    def have_passed(self) -> bool:
        """Whether every test passes; a version without tests passes as well."""
        return not self.failed and not self.problem

    def findings(self, *, is_overridden: bool) -> list[Finding]:
        """Return one finding per failed test, or the problem, or a warning that there are no tests."""
        messages = [self.problem] if self.problem else [str(test) for test in self.failed]
        if self.have_passed and not self.version.tests:
            return [Finding(message="This version has no tests.", is_warning=True)]
        return [
            Finding(message=message, cause=Cause.POLICY, is_warning=is_overridden)
            for message in messages
        ]

    def as_rows(self) -> list[dict[str, Any]]:
        """Return how each test ended, as a deployment stores it."""
        return [
            {"name": test.name, "passed": test.passed, "result": test.result} for test in self.tests
        ]


class TestsFailed(Refused):
    """The target requires tests, and they fail or cannot be run. A reason may override that."""

    def __init__(self, message: str, results: Results) -> None:
        super().__init__(message)
        self.results = results


def register(runner: Runner) -> None:
    """Register the function that runs tests; call it from the `ready` method of an AppConfig."""
    _runners.append(runner)


def _tests(version: WorkflowVersion, *, by: Actor) -> list[RequiredTest]:
    """Run the tests, and mask secrets; raises DeployError if they cannot be run."""
    tests = [test for runner in _runners for test in runner(version, by)]
    hide = partial(redact, secrets=masked_values(version.workflow_id))
    return [replace(test, name=hide(test.name), difference=hide(test.difference)) for test in tests]


def run_required(workflow: Workflow, target: Target, *, by: Actor) -> Results | None:
    """Run the tests of the newest version; None if the target does not require tests.

    Call it outside of any transaction, because tests take seconds.
    """
    return _run(workflow.newest_version, by=by) if target.requires_tests else None


def check(results: Results, target: Target, *, by: Actor, consent: Consent) -> None:
    """Raise TestsFailed if the tests have not passed and that is not overridden."""
    if refusal := find_refusal(results, target, by=by, consent=consent):
        raise refusal


def check_snapshot(earlier: Deployment, target: Target) -> None:
    """Raise Refused if the target requires tests and does not accept the snapshot without them."""
    if refusal := find_snapshot_refusal(earlier, target):
        raise refusal


def find_snapshot_refusal(earlier: Deployment, target: Target) -> Refused | None:
    """Return why the target's required tests forbid a deploy of the snapshot, or None."""
    if not target.requires_tests or tested_versions.is_accepted(earlier, target):
        return None
    return Refused(
        f"The target {target.name} requires tests, and v{earlier.version_number} has neither passed "
        "them nor been live there. Restore that version, then deploy it."
    )


def _run(version: WorkflowVersion, *, by: Actor) -> Results:
    try:
        return Results(version=version, tests=tuple(_tests(version, by=by)))
    except DeployError as error:
        return Results(version=version, problem=str(error))


def find_refusal(
    results: Results, target: Target, *, by: Actor, consent: Consent
) -> TestsFailed | None:
    """Return why the results forbid the deploy, or None."""
    may_override = by.user is None or by.user.has_perm(OVERRIDE_TESTS)
    if results.have_passed or (may_override and consent.tests_reason.strip()):
        return None
    override = (
        "override with a reason"
        if may_override
        else "ask someone who has permission to override required tests"
    )
    return TestsFailed(
        f"The target {target.name} requires tests, and {_what(results)}, or {override}.", results
    )


def _what(results: Results) -> str:
    """Return what is wrong and how to fix it, without the period."""
    if results.problem:
        return f"they could not be run: {results.problem} Try again"
    first, *others = results.failed
    more = f" ({len(others)} more {'fails' if len(others) == 1 else 'fail'}.)" if others else ""
    return f"{first}{more} Fix it"


def record_override(results: Results, target: Target, *, by: Actor, reason: str) -> None:
    """Record in the audit trail that the version is deployed although its tests have not passed."""
    detail = {"problem": results.problem} if results.problem else {}
    trail.record(
        "tests overridden",
        subject_of(target),
        by=by,
        reason=reason.strip(),
        workflow=results.version.workflow_id,
        version=results.version.number,
        failed=[test.name for test in results.failed],
        **detail,
    )
