"""Accepts WebSockets only from our own pages: from the same scheme, host and port."""

from __future__ import annotations

from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.http import is_same_domain

from web.asgi import Application, Receive, Scope, Send
from web.streams.access import record_refusal, request_of

_REFUSED = 4403


class SameOriginWebSockets:
    """Refuses WebSockets of other sites' pages, which browsers open with our cookies."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_own_origin(request_of(scope)):
            await self._application(scope, receive, send)
            return
        record = database_sync_to_async(record_refusal)
        await record(scope, address="WebSocket", reason="opened by a page of another site")
        await refuse_websocket(scope, receive, send)


async def refuse_websocket(_scope: Scope, receive: Receive, send: Send) -> None:
    """Close a WebSocket before it opens, even one with an address that does not exist."""
    await receive()
    await send({"type": "websocket.close", "code": _REFUSED})


def is_own_origin(request: HttpRequest) -> bool:
    """Return whether the Origin header names this server or a trusted origin."""
    try:
        own = f"{'https' if request.is_secure() else 'http'}://{request.get_host()}"
        origin = urlsplit(request.META.get("HTTP_ORIGIN", ""))
    except (DisallowedHost, ValueError):
        return False
    return any(
        origin.scheme == trusted.scheme
        and is_same_domain(origin.netloc, trusted.netloc.removeprefix("*"))
        for trusted in map(urlsplit, [own, *settings.CSRF_TRUSTED_ORIGINS])
    )
