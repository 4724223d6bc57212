"""The HTTP API. It calls the same services as pages and commands; errors are `{"error": message}`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from api.requests import ApiError, json_body, require_permission
from audit.trail import Actor
from deployments.models import Deployment
from deployments.permissions import DEPLOY
from deployments.services.deploy import request_deployment
from deployments.stream import event_log
from deployments.stream.sse_stream import stream_events
from runs.models import TestResult
from runs.permissions import CHANGE, TRIGGER
from runs.saved_tests.execution import run_all, saved_tests
from runs.services.control import Refused
from runs.services.event_triggers import BadEventType, NoListener, StartResult, start_runs
from runs.test_runs.draft_request import Runnable
from runs.test_runs.services import check_not_project
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import target_named
from targets.policy import Consent
from web.session_user import user_of_cookies
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.models import Workflow, WorkflowVersion
from workflows.services import WorkflowNotFound, get_workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

MAX_PAYLOAD_BYTES: Final = 100 * 1024
_MAX_KEY_LENGTH: Final = 255
_FIELDS: Final = {
    "target": "the name of a target",
    "confirm": "the workflow's name, for a protected target",
    "overrideFreeze": "the reason to deploy to a frozen target",
    "overrideTests": "the reason to deploy although required tests fail",
}


@require_POST
async def deploy_stream(request: HttpRequest, workflow_id: str) -> HttpResponseBase:
    """Start a deployment and stream its stages until the end. The body has any of _FIELDS."""
    try:
        deployment = await sync_to_async(_start_deployment)(request, workflow_id)
    except ApiError as refusal:
        return refusal.as_response()
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _stages(deployment, cookies=request.headers.get("Cookie", "")),
        content_type="text/event-stream; charset=utf-8",
        headers=headers,
    )


@require_POST
def raise_event(request: HttpRequest, event_type: str) -> JsonResponse:
    """Start a run of each live workflow with a trigger for this event; the body is the payload.

    Responds with 202 if at least one run was started, and with 502 if none could be.
    """
    try:
        started = _start_runs(
            request, event_type, by=Actor.of(require_permission(request, TRIGGER))
        )
    except ApiError as refusal:
        return refusal.as_response()
    return JsonResponse({"data": [run.as_json() for run in started]}, status=202)


@require_POST
def test_workflow(request: HttpRequest, workflow_id: str) -> JsonResponse:
    """Run the tests of the draft, or of a version, and return their results when all have ended."""
    try:
        by = Actor.of(require_permission(request, CHANGE))
        results = [each.as_json() for each in _test_results(request, workflow_id, by)]
    except ApiError as refusal:
        return refusal.as_response()
    except DeployError as error:
        is_invalid = isinstance(error, Refused)
        return ApiError(400 if is_invalid else 502, str(error)).as_response()
    return JsonResponse({"passed": all(each["passed"] for each in results), "data": results})


def _test_results(request: HttpRequest, workflow_id: str, by: Actor) -> Iterator[TestResult]:
    body = json_body(request, max_bytes=MAX_PAYLOAD_BYTES)
    if not isinstance(body, dict) or not body.keys() <= {"version", "test"}:
        raise ApiError(400, 'The body must be an object with "version", "test", or neither.')
    try:
        runnable = _runnable(get_workflow(workflow_id), body.get("version"))
        check_not_project(runnable.kind)
        tests = saved_tests(runnable)
    except WorkflowNotFound as error:
        raise ApiError(404, str(error)) from None
    except InvalidTests as invalid:
        raise ApiError(400, str(invalid.problems[0])) from None
    name = body.get("test")
    if name is not None and not isinstance(name, str):
        raise ApiError(400, "test must be the name of a test.")
    if name is not None and name not in tests:
        raise ApiError(404, f"There is no test {name!r}.")
    yield from run_all(runnable, tests.values() if name is None else [tests[name]], by=by)


def _runnable(workflow: Workflow, number: Any) -> Runnable:
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise ApiError(400, "version must be the number of a version.")
    try:
        return Runnable.numbered(workflow, number)
    except WorkflowVersion.DoesNotExist:
        raise ApiError(404, f"The workflow has no version {number}.") from None


def _start_runs(request: HttpRequest, event_type: str, *, by: Actor) -> list[StartResult]:
    payload = json_body(request, max_bytes=MAX_PAYLOAD_BYTES)
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _MAX_KEY_LENGTH:
        raise ApiError(400, f"The Idempotency-Key has more than {_MAX_KEY_LENGTH} characters.")
    try:
        started = start_runs(event_type, payload, by=by, key=key)
    except BadEventType as error:
        raise ApiError(400, str(error)) from None
    except NoListener as error:
        raise ApiError(404, str(error)) from None
    if all(run.error for run in started):
        details = [run.as_json() for run in started]
        raise ApiError(502, "No run could be started. Try again.", details=details)
    return started


def _start_deployment(request: HttpRequest, workflow_id: str) -> Deployment:
    user = require_permission(request, DEPLOY)
    fields = _fields(json_body(request, max_bytes=MAX_PAYLOAD_BYTES))
    consent = Consent(
        name=fields.get("confirm", ""),
        freeze_reason=fields.get("overrideFreeze", ""),
        tests_reason=fields.get("overrideTests", ""),
    )
    try:
        workflow = get_workflow(workflow_id)
        target = target_named(fields["target"]) if fields.get("target") else None
        return request_deployment(workflow, target=target, by=Actor.of(user), consent=consent)
    except WorkflowNotFound as error:
        raise ApiError(404, str(error)) from None
    except DeployError as refusal:
        raise ApiError(403 if refusal.cause is Cause.POLICY else 400, str(refusal)) from None


def _fields(body: Any) -> dict[str, str]:
    """Return the fields of the body; raises ApiError if it is not an object of _FIELDS."""
    if not isinstance(body, dict):
        raise ApiError(400, 'The body must be an object: {} or {"target": name}.')
    unknown = sorted(body.keys() - _FIELDS.keys())
    if unknown:
        raise ApiError(400, f"Unknown field {unknown[0]!r}. Known fields: {', '.join(_FIELDS)}.")
    for field, description in _FIELDS.items():
        if not isinstance(body.get(field, ""), str):
            raise ApiError(400, f"{field} must be {description}.")
    return body


def _may_deploy(user: User | AnonymousUser) -> bool:
    return user.is_staff and user.has_perm(DEPLOY)


async def _stages(deployment: Deployment, *, cookies: str) -> AsyncGenerator[bytes]:
    """Yield the stages until the end, or until the user who started it is logged out."""

    async def still_allowed() -> bool:
        user = await database_sync_to_async(user_of_cookies)(cookies)
        return bool(await database_sync_to_async(_may_deploy)(user))

    async for frame in stream_events(
        event_log.channel_of(deployment.pk), 0, still_allowed=still_allowed
    ):
        yield frame
