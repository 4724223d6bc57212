"""Deploying a workflow, with its stages as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.http import StreamingHttpResponse
from ninja import Query, Router

from api.conventions.callers import ApiRequest, may_continue
from api.conventions.operations import Repeats, operation
from api.deployment_start import start_deployment
from api.schemas.events import StreamedDeployment, StreamQuery
from api.scopes import Scope
from deployments.models import Deployment
from deployments.permissions import DEPLOY
from deployments.stream import event_log
from deployments.stream.sse_stream import stream_events

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
    request: ApiRequest, workflow_id: str, body: StreamedDeployment, query: Query[StreamQuery]
) -> StreamingHttpResponse:
    """Start a deployment and stream its stages until the end."""
    deployment = await sync_to_async(start_deployment)(request.auth, workflow_id, body)
    return StreamingHttpResponse(
        _stages(
            deployment,
            authorization=request.headers.get("Authorization", ""),
            cookies=request.headers.get("Cookie", ""),
            is_named=query.events == "named",
        ),
        content_type="text/event-stream; charset=utf-8",
        headers=_HEADERS,
    )


async def _stages(
    deployment: Deployment, *, authorization: str, cookies: str, is_named: bool = False
) -> AsyncGenerator[bytes]:
    """Yield the stages until the end, or until the caller no longer has access."""

    async def still_allowed() -> bool:
        allowed: bool = await database_sync_to_async(may_continue)(
            authorization=authorization, cookies=cookies, scope=Scope.DEPLOY, permission=DEPLOY
        )
        return allowed

    async for frame in stream_events(
        event_log.channel_of(deployment.pk), 0, still_allowed=still_allowed, is_named=is_named
    ):
        yield frame
