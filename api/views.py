"""The HTTP API, over the services that pages and commands use. Errors are `{"error": sentence}`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Final

from asgiref.sync import sync_to_async
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
from runs.permissions import TRIGGER
from runs.services.event_triggers import BadEventType, NoListener, Raised
from runs.services.event_triggers import raise_event as start_runs
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import target_named
from targets.policy import Consent
from workflows.services import WorkflowNotFound, get_workflow

LARGEST_PAYLOAD: Final = 100 * 1024
_LONGEST_KEY: Final = 255
_FIELDS: Final = {
    "target": "the name of a target",
    "confirm": "the workflow's name, for a protected target",
    "overrideFreeze": "the reason to deploy to a frozen target",
}


@require_POST
async def deploy_stream(request: HttpRequest, workflow_id: str) -> HttpResponseBase:
    """Start a deployment and stream its stages until the end; `{}`, or any of _FIELDS."""
    try:
        deployment = await sync_to_async(_request)(request, workflow_id)
    except ApiError as refusal:
        return refusal.as_response()
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _stages(deployment), content_type="text/event-stream; charset=utf-8", headers=headers
    )


@require_POST
def raise_event(request: HttpRequest, event_type: str) -> JsonResponse:
    """Start a run of each live workflow that the event starts; the JSON body is its payload.

    202 where at least one run has been started, 502 where none could be.
    """
    try:
        raised = _raised(request, event_type, by=Actor.of(require_permission(request, TRIGGER)))
    except ApiError as refusal:
        return refusal.as_response()
    return JsonResponse({"data": [one.as_json() for one in raised]}, status=202)


def _raised(request: HttpRequest, event_type: str, *, by: Actor) -> list[Raised]:
    payload = json_body(request, most=LARGEST_PAYLOAD)
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY:
        raise ApiError(400, f"The Idempotency-Key has more than {_LONGEST_KEY} characters.")
    try:
        raised = start_runs(event_type, payload, by=by, key=key)
    except BadEventType as bad:
        raise ApiError(400, str(bad)) from None
    except NoListener as nobody:
        raise ApiError(404, str(nobody)) from None
    if all(one.error for one in raised):
        details = [one.as_json() for one in raised]
        raise ApiError(502, "No run could be started: try again.", details=details)
    return raised


def _request(request: HttpRequest, workflow_id: str) -> Deployment:
    user = require_permission(request, DEPLOY)
    asked = _asked(json_body(request, most=LARGEST_PAYLOAD))
    consent = Consent(name=asked.get("confirm", ""), freeze_reason=asked.get("overrideFreeze", ""))
    try:
        workflow = get_workflow(workflow_id)
        target = target_named(asked["target"]) if asked.get("target") else None
        return request_deployment(workflow, target=target, by=Actor.of(user), consent=consent)
    except WorkflowNotFound as error:
        raise ApiError(404, str(error)) from None
    except DeployError as refusal:
        raise ApiError(403 if refusal.cause is Cause.POLICY else 400, str(refusal)) from None


def _asked(body: Any) -> dict[str, str]:
    """Return what the body asks for; raises Refusal for anything but such an object."""
    if not isinstance(body, dict):
        raise ApiError(400, 'The body must be an object: {} or {"target": name}.')
    unknown = sorted(body.keys() - _FIELDS.keys())
    if unknown:
        known = ", ".join(_FIELDS)
        raise ApiError(400, f"Unknown field {unknown[0]!r}: only {known} can be given.")
    for field, meaning in _FIELDS.items():
        if not isinstance(body.get(field, ""), str):
            raise ApiError(400, f"{field} must be {meaning}.")
    return body


async def _stages(deployment: Deployment) -> AsyncGenerator[bytes]:
    async def still_allowed() -> bool:
        return True  # the stream lives as long as the deployment, which this user started

    async for frame in stream_events(
        event_log.channel_of(deployment.pk), 0, still_allowed=still_allowed
    ):
        yield frame
