"""Requests to ASGI applications."""

from __future__ import annotations

import asyncio
from typing import Any

from web.asgi import Application, Receive, Scope, Send


def http_scope(path: str = "/", *, query: str = "", method: str = "GET", **headers: str) -> Scope:
    """Return the scope that the web server makes of a request."""
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }


def respond(application: Application, scope: Scope) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of the response to a request without a body."""
    sent: list[dict[str, Any]] = []
    body = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in body:
            return message
        return await asyncio.Future()  # the client stays connected

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(_call(application, scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers


async def _call(application: Application, scope: Scope, receive: Receive, send: Send) -> None:
    await application(scope, receive, send)


async def teapot(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond with a status that nothing else uses."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})
