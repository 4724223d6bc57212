"""The HTTP API, over the services that pages and commands use. Errors are `{"error": sentence}`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from deployments import events
from deployments.errors import DeployError
from deployments.models import Deployment
from deployments.services import request_deployment
from deployments.stream import follow
from deployments.targets import target_named
from workflows.services import NoWorkflow, workflow_of


class Refusal(Exception):
    """A request that cannot be served: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@require_POST
async def deploy_stream(request: HttpRequest, workflow_id: str) -> HttpResponseBase:
    """Start a deployment and stream its stages until the end; `{}` or `{"target": name}`."""
    try:
        deployment = await sync_to_async(_request)(request, workflow_id)
    except Refusal as refusal:
        return JsonResponse({"error": str(refusal)}, status=refusal.status)
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _stages(deployment), content_type="text/event-stream; charset=utf-8", headers=headers
    )


def _request(request: HttpRequest, workflow_id: str) -> Deployment:
    user = request.user
    if not user.is_authenticated:
        raise Refusal(401, "Log in first: this call needs a session.")
    if not user.has_perm("deployments.add_deployment"):
        raise Refusal(403, "You may not deploy. Ask an administrator for the right to.")
    name = _body(request).get("target")
    try:
        workflow = workflow_of(workflow_id)
        target = target_named(name) if name else None
        return request_deployment(workflow, target=target, by=user)
    except NoWorkflow as error:
        raise Refusal(404, str(error)) from None
    except DeployError as refusal:
        raise Refusal(400, str(refusal)) from None


def _body(request: HttpRequest) -> dict[str, Any]:
    """Return the body, which is `{}` when empty; raises Refusal for anything but such an object."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise Refusal(400, f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refusal(400, 'The body must be an object: {} or {"target": name}.')
    unknown = sorted(body.keys() - {"target"})
    if unknown:
        raise Refusal(400, f"Unknown field {unknown[0]!r}: only target can be given.")
    if not isinstance(body.get("target", ""), str):
        raise Refusal(400, "target must be the name of a target.")
    return body


async def _stages(deployment: Deployment) -> AsyncGenerator[bytes]:
    async def still_allowed() -> bool:
        return True  # the stream lives as long as the deployment, which this user started

    async for frame in follow(events.channel_of(deployment.pk), 0, still_allowed=still_allowed):
        yield frame
