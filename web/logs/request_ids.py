"""Gives each request an id, and binds it and the ids in the address to the lines of the log.

A proxy in front may choose the id, so that its log and this one can be read together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

from structlog.contextvars import bound_contextvars

from web.asgi import Application, Receive, Scope, Send, header_value

HEADER: Final = b"x-request-id"
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_IN_ADDRESS: Final = (
    ("deployment", re.compile(r"/deployments/([0-9]{1,18})/")),
    ("run", re.compile(r"/runs/([0-9]{1,18})/")),
    ("workflow", re.compile(r"/(?:(?:api/)?workflows|runs/logs|runs/tests)/([a-z0-9]{10})/")),
)


class RequestIds:
    """Binds the ids while the application runs, and returns the request's id in the response."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        request_id = _request_id(scope)

        async def send_with_id(message: dict[str, Any]) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = [*message.get("headers", ()), (HEADER, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        with bound_contextvars(request_id=request_id, **dict(_ids_in(scope["path"]))):
            await self._application(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    """Return the id that the client sent if it is well-formed, otherwise a new one."""
    sent = header_value(scope, HEADER)
    return sent if _WELL_FORMED.fullmatch(sent) else uuid4().hex


def _ids_in(path: str) -> Iterator[tuple[str, str | int]]:
    for kind, pattern in _IN_ADDRESS:
        if found := pattern.match(path):
            yield kind, found[1] if kind == "workflow" else int(found[1])
