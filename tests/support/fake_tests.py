"""The results of required tests, without running any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.db import connection

from audit.trail import Actor
from deployments.services import required_tests
from deployments.services.required_tests import RequiredTest
from targets.cloudflare.errors import Cause, DeployError
from workflows.models import WorkflowVersion

WRONG_OUTPUT = 'The output of "Charge" is 3, not 4.'


@dataclass(kw_only=True)
class FakeTests:
    """Returns the tests, and remembers the calls; `problem` is what the platform says.

    `meanwhile` is called while the tests run.
    """

    tests: list[RequiredTest] = field(default_factory=list)
    problem: str = ""
    versions: list[int] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    in_transaction: bool = False
    meanwhile: Callable[[], object] = lambda: None

    def fail(self, *names: str) -> None:
        """Let the tests with these names fail."""
        self.tests = [
            RequiredTest(name=name, passed=False, difference=WRONG_OUTPUT, result=number)
            for number, name in enumerate(names, start=1)
        ]

    def __call__(self, version: WorkflowVersion, by: Actor) -> list[RequiredTest]:
        self.versions.append(version.number)
        self.actors.append(by)
        self.in_transaction = connection.in_atomic_block
        self.meanwhile()
        if self.problem:
            raise DeployError(self.problem, cause=Cause.UNREACHABLE)
        return self.tests


@pytest.fixture
def fake_tests(monkeypatch: pytest.MonkeyPatch) -> FakeTests:
    """Register a runner in place of the real one; all tests pass until told otherwise."""
    fake = FakeTests()
    monkeypatch.setattr(required_tests, "_runners", [fake])
    return fake
