"""Health checks, served on any host, before the redirects, the sessions and the middleware of pages.

GET /healthz    whether the process responds
GET /readyz     whether the process can serve requests, with the result of each check
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError

from monitoring.checks import checks
from monitoring.readiness import Readiness, Result, Results
from web.asgi import Application, Receive, Scope, Send, header_value
from web.session_user import user_of_cookies

_SESSION_SECONDS: Final = 2.0
_JSON: Final = b"application/json"

Answer = tuple[int, dict[str, Any]]


class MonitoringRoutes:
    """Responds to monitoring systems, and passes everything else on."""

    def __init__(self, application: Application, readiness: Readiness | None = None) -> None:
        self._application = application
        self._readiness = readiness or Readiness(checks())
        self._answers: dict[str, Callable[[Scope], Awaitable[Answer]]] = {
            "/healthz": _health,
            "/readyz": self._ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._application(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await _send(send, *await answer(scope))
        else:
            await _send(send, 405, {"error": "Use GET."}, (b"allow", b"GET, HEAD"))

    async def _ready(self, scope: Scope) -> Answer:
        results = await self._readiness.results()
        is_ready = all(result.is_ok for result in results.values())
        shows_details = await _is_staff(scope, results)
        reported = {
            name: _described(result, with_detail=shows_details) for name, result in results.items()
        }
        return 200 if is_ready else 503, {"status": _word(is_ok=is_ready), "checks": reported}


async def _health(_scope: Scope) -> Answer:
    return 200, {"status": "ok"}


def _described(result: Result, *, with_detail: bool) -> dict[str, str]:
    detail = {"detail": result.detail} if with_detail else {}
    return {"status": _word(is_ok=result.is_ok), **detail}


def _word(*, is_ok: bool) -> str:
    return "ok" if is_ok else "failed"


async def _is_staff(scope: Scope, results: Results) -> bool:
    """Return whether a staff user is logged in.

    An address says nothing: behind a proxy on the same host, everyone comes from loopback.
    """
    cookies = header_value(scope, b"cookie")
    database = results.get("database")
    if not cookies or database is None or not database.is_ok:
        return False
    try:
        async with asyncio.timeout(_SESSION_SECONDS):
            user = await database_sync_to_async(user_of_cookies)(cookies)
    except (TimeoutError, DatabaseError):
        return False
    return bool(user.is_active and user.is_staff)


async def _send(
    send: Send, status: int, content: dict[str, Any], *headers: tuple[bytes, bytes]
) -> None:
    body = json.dumps(content).encode() + b"\n"
    length = (b"content-length", str(len(body)).encode())
    every = [(b"content-type", _JSON), length, (b"cache-control", b"no-store"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})
