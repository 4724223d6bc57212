"""Event streams as raw ASGI responses, which hold neither a thread nor a database connection."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from functools import wraps
from typing import Final

from django.conf import settings

from web.asgi import Application, Receive, Scope, Send

logger = logging.getLogger(__name__)

_END = {"type": "http.response.body", "body": b""}
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


RETRY_SECONDS: Final = 30
_open: Counter[int] = Counter()  # streams of this process by user; only its event loop counts


class Refused(Exception):
    """The stream is not opened; the message is the response, and `retry_after` is in seconds."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def refusing(handler: Application) -> Application:
    """Let a handler respond by raising Refused, as long as it has sent nothing."""

    @wraps(handler)
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await handler(scope, receive, send)
        except Refused as refusal:
            await _refuse(send, refusal)

    return handle


@contextmanager
def _counted(user: int) -> Iterator[None]:
    """Count a stream while it is open. Raises Refused if the user has too many."""
    limit: int = settings.AWAITSTEP.streams_per_user
    if _open[user] >= limit:
        text = f"You have {limit} open event streams on this server. Close some of the pages."
        raise Refused(429, text, retry_after=RETRY_SECONDS)
    _open[user] += 1
    try:
        yield
    finally:
        _open[user] -= 1
        if not _open[user]:
            del _open[user]


async def serve(frames: AsyncGenerator[bytes], receive: Receive, send: Send, *, user: int) -> None:
    """Send frames until they end or the client disconnects, then close the generator.

    Raises Refused if the user has too many streams.

    An error, such as that of a database that is being restarted, ends the response, so that the client
    connects again; otherwise it would wait on a connection that stays open.
    """
    with _counted(user):
        await _serve(frames, receive, send)


async def _serve(frames: AsyncGenerator[bytes], receive: Receive, send: Send) -> None:
    sending = asyncio.ensure_future(_send_all(frames, send))
    disconnect = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({sending, disconnect}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        disconnect.cancel()
        error, _ = await asyncio.gather(sending, disconnect, return_exceptions=True)
    if isinstance(error, Exception):
        logger.error("an event stream ended early", exc_info=error)
        await send(_END)


async def _send_all(frames: AsyncGenerator[bytes], send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    async with aclosing(frames):
        async for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    await send(_END)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, refusal: Refused) -> None:
    """Send a plain-text message instead of a stream."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.message.encode() + b"\n"})
