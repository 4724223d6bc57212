"""What streams are compared with: an ASGI application with a queue for each connection, and nothing else.

GET /CHANNEL is a stream; POST /CHANNEL sends its body to all streams of the channel.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

_queues: dict[str, set[asyncio.Queue[bytes]]] = defaultdict(set)


async def application(scope: Any, receive: Any, send: Any) -> None:
    channel = scope["path"]
    if scope["method"] == "POST":
        frame = (await receive())["body"]
        for queue in _queues[channel]:
            queue.put_nowait(frame)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    own: asyncio.Queue[bytes] = asyncio.Queue()
    _queues[channel].add(own)
    sending = asyncio.ensure_future(_send_all(own, send))
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
    _queues[channel].discard(own)


async def _send_all(queue: asyncio.Queue[bytes], send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    frame = b": open\n\n"
    while True:
        await send({"type": "http.response.body", "body": frame, "more_body": True})
        frame = await queue.get()
