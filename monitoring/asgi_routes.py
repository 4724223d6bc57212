"""Health checks and metrics, served on any host, before the redirects, sessions and middleware of pages.

GET /healthz    whether the process responds
GET /readyz     whether the process can serve requests, with the result of each check
GET /metrics    metrics for Prometheus, with the token of AWAITSTEP_METRICS_TOKEN
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error
from django.utils import timezone

from monitoring.background import Background
from monitoring.checks import checks
from monitoring.metrics import CONTENT_TYPE, Metrics
from monitoring.readiness import Readiness, Result, Results
from web.asgi import Application, Receive, Scope, Send, header_value
from web.session_user import user_of_cookies

logger = logging.getLogger(__name__)

METRICS_SECONDS: Final = 8.0  # less than Prometheus waits
_SESSION_SECONDS: Final = 2.0

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[Header, ...] = ()


def _json(status: int, content: dict[str, Any], *headers: Header) -> Answer:
    return Answer(status, json.dumps(content).encode() + b"\n", "application/json", headers)


class MonitoringRoutes:
    """Responds to monitoring systems, and passes everything else on."""

    def __init__(
        self,
        application: Application,
        *,
        readiness: Readiness | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._application = application
        self._readiness = readiness or Readiness(checks())
        self._rendered = Background((metrics or Metrics(since=timezone.now())).render)
        self._answers: dict[str, Callable[[Scope], Awaitable[Answer]]] = {
            "/healthz": _health,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._application(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await _send(send, await answer(scope))
        else:
            await _send(send, _json(405, {"error": "Use GET."}, (b"allow", b"GET, HEAD")))

    async def _ready(self, scope: Scope) -> Answer:
        results = await self._readiness.results()
        is_ready = all(result.is_ok for result in results.values())
        shows_details = await _is_staff(scope, results)
        reported = {
            name: _described(result, with_detail=shows_details) for name, result in results.items()
        }
        content = {"status": _word(is_ok=is_ready), "checks": reported}
        return _json(200 if is_ready else 503, content)

    async def _metrics(self, scope: Scope) -> Answer:
        if refusal := _refusal(header_value(scope, b"authorization")):
            return refusal
        try:
            body = await self._rendered.result(seconds=METRICS_SECONDS)
        except Exception:
            logger.exception("could not collect metrics")
            return _json(503, {"error": "The metrics could not be collected. See the log."})
        return Answer(200, body, CONTENT_TYPE)


async def _health(_scope: Scope) -> Answer:
    return _json(200, {"status": "ok"})


def _refusal(authorization: str) -> Answer | None:
    """Return the response to a request without the token; without a token, there are no metrics."""
    token = settings.AWAITSTEP.metrics_token
    if not token:
        return _json(404, {"error": "There is no such page."})
    scheme, _, sent = authorization.partition(" ")
    is_equal = hmac.compare_digest(sent.strip().encode(), token.get_secret_value().encode())
    if scheme.lower() == "bearer" and is_equal:
        return None
    challenge = (b"www-authenticate", b'Bearer realm="metrics"')
    return _json(401, {"error": "Send the token of AWAITSTEP_METRICS_TOKEN."}, challenge)


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
    except (TimeoutError, Error):
        return False
    return bool(user.is_active and user.is_staff)


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
