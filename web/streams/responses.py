"""Event streams as raw ASGI responses, which hold neither a thread nor a database connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from web.asgi import Receive, Send

logger = logging.getLogger(__name__)

_END = {"type": "http.response.body", "body": b""}
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


async def serve(frames: AsyncGenerator[bytes], receive: Receive, send: Send) -> None:
    """Send frames until they end or the client disconnects, then close the generator.

    An error, such as that of a database that is being restarted, ends the response, so that the client
    connects again; otherwise it would wait on a connection that stays open.
    """
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


async def refuse(send: Send, status: int, message: str) -> None:
    """Send a plain-text message instead of a stream."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": message.encode() + b"\n"})
