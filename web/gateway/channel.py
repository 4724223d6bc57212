"""A connection that ends if its client sends too slowly, reads too slowly, or sends lines that are too long."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from django.conf import settings
from twisted.protocols.basic import LineReceiver
from twisted.web.http import HTTPChannel

from web.gateway.headers import HEADERS

LINGER_SECONDS: Final = 5.0
"""How long a refused client can keep sending: most clients read the response only afterward."""


def plain_response(status: int, reason: bytes, sentence: bytes) -> bytes:
    """Return a response in plain text, with the headers of every other response."""
    fields = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    head = [b"HTTP/1.1 %d %s" % (status, reason)]
    head += [b"%s: %s" % field for field in (*fields, *HEADERS)]
    return b"\r\n".join([*head, b"", sentence + b"\n"])


class LimitedChannel(HTTPChannel):
    """A connection of the web server; WebSockets keep the channel that they were opened on."""

    transport: Any

    def connectionMade(self) -> None:
        self._is_read, self._is_refused = asyncio.Event(), False
        self._is_read.set()
        super().connectionMade()  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Receive data; single bytes of a line do not keep the connection open."""
        if not self._is_refused:
            LineReceiver.dataReceived(self, data)  # type: ignore[no-untyped-call]

    def lineReceived(self, line: bytes) -> None:
        self.resetTimeout()  # type: ignore[no-untyped-call]
        super().lineReceived(line)  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:
        self.resetTimeout()  # type: ignore[no-untyped-call]
        super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse the request; Twisted would close the connection without a response."""
        self._is_refused = True
        what = (431, b"Request Header Fields Too Large", b"A header of the request is too long.")
        if not self.requests:
            what = (414, b"URI Too Long", b"The address is too long.")
        self.transport.write(plain_response(*what))
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self.transport.abortConnection)

    def pauseProducing(self) -> None:
        """Called when the client has not read what was sent so far."""
        self._is_read.clear()
        super().pauseProducing()  # type: ignore[no-untyped-call]

    def resumeProducing(self) -> None:
        self._is_read.set()
        super().resumeProducing()  # type: ignore[no-untyped-call]

    def stopProducing(self) -> None:
        """Called when the connection has ended."""
        self._is_read.set()
        super().stopProducing()  # type: ignore[no-untyped-call]

    async def wait_until_read(self) -> None:
        """Wait until there is room for more data; a client that reads nothing loses the connection."""
        if self._is_read.is_set():
            return
        try:
            async with asyncio.timeout(settings.AWAITSTEP.request_seconds):
                await self._is_read.wait()
        except TimeoutError:
            self.transport.abortConnection()


def channel_of(protocol: Any) -> LimitedChannel | None:
    """Return the channel of a request or a WebSocket; None if its connection has ended."""
    channel: LimitedChannel | None = getattr(protocol, "channel", None)
    return channel
