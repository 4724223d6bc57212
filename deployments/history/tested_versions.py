"""Which versions a target that requires tests accepts without running the tests."""

from __future__ import annotations

from deployments.history import records
from deployments.models import Deployment
from targets.models import Target


def is_accepted(deployment: Deployment, target: Target) -> bool:
    """Return whether the deployment's version has passed its tests, or has been live on the target.

    A deployment that was cancelled or has failed leaves a snapshot of a version that was never deployed.
    """
    same_worker = records.of_worker(deployment.workflow_public_id, target)
    same_version = same_worker.filter(version_number=deployment.version_number)
    return has_passed(deployment) or same_version.filter(records.went_live()).exists()


def has_passed(deployment: Deployment) -> bool:
    """Return whether all tests passed for the deployment; no results may mean that they could not be run."""
    tests = deployment.required_tests or []
    return bool(tests) and all(test["passed"] for test in tests)
