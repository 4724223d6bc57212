"""Running the saved tests of a workflow."""

from __future__ import annotations

from typing import Any

from ninja import Router

from api.conventions.callers import ApiRequest
from api.conventions.operations import operation
from api.conventions.problems import ApiError
from api.lookup import workflow_for
from api.schemas.events import TestChoice, TestOutcomes
from runs.permissions import CHANGE
from runs.saved_tests.execution import run_all, saved_tests
from runs.services.control import Refused
from runs.test_runs.draft_request import Runnable
from runs.test_runs.services import check_not_project
from targets.cloudflare.errors import DeployError
from workflows.models import Workflow, WorkflowVersion

router = Router(tags=["Tests"])


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/test",
    permission=CHANGE,
    responses={200: TestOutcomes},
    errors=[502],
)
def test_workflow(request: ApiRequest, workflow_id: str, body: TestChoice) -> dict[str, Any]:
    """Run the tests of the draft, or of a version, and return their results when all have ended."""
    runnable = _runnable(workflow_for(request.auth, workflow_id), body.version)
    check_not_project(runnable.kind)
    tests = saved_tests(runnable)
    if body.test is not None and body.test not in tests:
        raise ApiError(404, f"There is no test {body.test!r}.")
    chosen = tests.values() if body.test is None else [tests[body.test]]
    try:
        results = [each.as_json() for each in run_all(runnable, chosen, by=request.auth.actor)]
    except Refused:
        raise
    except DeployError as error:
        raise ApiError(502, str(error)) from None
    return {"passed": all(each["passed"] for each in results), "data": results}


def _runnable(workflow: Workflow, number: int | None) -> Runnable:
    try:
        return Runnable.numbered(workflow, number)
    except WorkflowVersion.DoesNotExist:
        raise ApiError(404, f"The workflow has no version {number}.") from None
