"""Deploying a workflow, with its stages as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.http import StreamingHttpResponse
from ninja import Router

from api.conventions.callers import ApiRequest, Caller, may_continue
from api.conventions.operations import Repeats, operation
from api.lookup import target_for, workflow_for
from api.schemas.events import StreamedDeployment
from api.scopes import Scope
from deployments.models import Deployment
from deployments.permissions import DEPLOY
from deployments.services.deploy import request_deployment
from deployments.stream import event_log
from deployments.stream.sse_stream import stream_events
from targets.policy import Consent

router = Router(tags=["Deployments"])
_HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/deploy-stream",
    permission=DEPLOY,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={200: None},
    repeats=Repeats.NO,
)
async def deploy_stream(
    request: ApiRequest, workflow_id: str, body: StreamedDeployment
) -> StreamingHttpResponse:
    """Start a deployment and stream its stages until the end."""
    deployment = await sync_to_async(_start)(request.auth, workflow_id, body)
    return StreamingHttpResponse(
        _stages(
            deployment,
            authorization=request.headers.get("Authorization", ""),
            cookies=request.headers.get("Cookie", ""),
        ),
        content_type="text/event-stream; charset=utf-8",
        headers=_HEADERS,
    )


def _start(caller: Caller, workflow_id: str, body: StreamedDeployment) -> Deployment:
    consent = Consent(
        name=body.confirm, freeze_reason=body.override_freeze, tests_reason=body.override_tests
    )
    workflow = workflow_for(caller, workflow_id)
    target = target_for(caller, id_=body.connection_id, name=body.target)
    return request_deployment(workflow, target=target, by=caller.actor, consent=consent)


async def _stages(
    deployment: Deployment, *, authorization: str, cookies: str
) -> AsyncGenerator[bytes]:
    """Yield the stages until the end, or until the caller no longer has access."""

    async def still_allowed() -> bool:
        allowed: bool = await database_sync_to_async(may_continue)(
            authorization=authorization, cookies=cookies, scope=Scope.DEPLOY, permission=DEPLOY
        )
        return allowed

    async for frame in stream_events(
        event_log.channel_of(deployment.pk), 0, still_allowed=still_allowed
    ):
        yield frame
