"""Redirects localhost to 127.0.0.1, a host that Workers of the embedded platform do not share.

Browsers send the cookies of a host to each of its ports, and Workers are served on names under
localhost.
"""

from __future__ import annotations

import re

from web.asgi import Application, Receive, Scope, Send, header_value

_LOCAL_NAME = re.compile(r"(?:[^:]+\.)?localhost\.?(:[0-9]{1,5})?", re.IGNORECASE)


class RedirectLocalNames:
    """Redirects requests for localhost and names under it."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        local = scope["type"] == "http" and _LOCAL_NAME.fullmatch(header_value(scope, b"host"))
        if local:
            await _redirect(scope, f"127.0.0.1{local[1] or ''}", send)
        else:
            await self._application(scope, receive, send)


async def _redirect(scope: Scope, host: str, send: Send) -> None:
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    location = f"{scope['scheme']}://{host}{path}{'?' if query else ''}{query}"
    headers = [(b"location", location.encode("latin-1")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
