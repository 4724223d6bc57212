"""The web server: Daphne, with limits on the size and the duration of requests and responses.

Daphne reads the whole body of every request before an application sees it. Here, only as much as a
login needs is read at first; the rest is read only for staff who are logged in. Daphne also keeps in
memory what a client does not read. Here, the application waits until the client has read it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

from channels.db import database_sync_to_async
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from django.conf import settings

from web.gateway.body_limits import ANONYMOUS_BYTES, staff_bytes
from web.gateway.channel import LINGER_SECONDS, LimitedChannel, channel_of, plain_response
from web.gateway.headers import HEADERS
from web.gateway.senders import is_staff

logger = logging.getLogger(__name__)

_BYTES_PER_SECOND: Final = 32 * 1024
_PIECE: Final = (
    64 * 1024
)  # bytes of a response, as many as Twisted keeps before it asks for a pause
_TOO_LARGE: Final = (413, b"Content Too Large", b"The request is too large.")
_TOO_SLOW: Final = (408, b"Request Timeout", b"The request took too long to arrive.")


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """A request that is refused, before it has arrived completely, if it is too large or too slow."""

    def __init__(self, channel: Any, *args: Any) -> None:
        # Django parses forms; Twisted would do so as well, on the thread of the event loop.
        super().__init__(channel, *args, parsePOSTFormSubmission=False)
        self._limit, self._received, self._target = ANONYMOUS_BYTES, 0, ""
        self._is_refused = False
        self._check: asyncio.Future[None] | None = None
        self._whole: tuple[bytes, bytes, bytes] | None = None
        self._timer = _call_later(settings.AWAITSTEP.request_seconds, self._end_slow_sender)

    def process(self) -> None:
        """Ignore a header with which a client could choose the path under which the site is served."""
        self.requestHeaders.removeHeader(b"daphne-root-path")
        channel: Any = self.channel
        super().process()
        protocol = getattr(channel.transport, "protocol", channel)
        if protocol is not channel:  # the request has opened a WebSocket
            protocol.channel = channel

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        self._target = self.channel._path.decode("latin-1")
        self._expect(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        if self._is_refused:
            return  # most clients read the response only after they have sent everything
        self._received += len(data)
        self._expect(self._received)
        super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._is_refused:
            self.channel.loseConnection()
        elif self._check and not self._check.done():
            self._whole = (command, path, version)
        else:
            self._timer.cancel()
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:
        self._timer.cancel()
        super().connectionLost(reason)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Respond in plain text, with the headers of every other response.

        A response that has started can only be cut off, so that the client notices. An exception would end
        Daphne's checks of all applications.
        """
        if self._response_started:
            if self.channel is not None:
                self.channel.loseConnection()
            return
        headers = [(b"Content-Type", b"text/plain; charset=utf-8"), *HEADERS]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": f"{body}\n".encode()})

    def _expect(self, size: int) -> None:
        """Refuse a body of this size, or first find out who sends it, reading nothing in the meantime."""
        if size <= self._limit or self._is_refused:
            return
        if self._check is None:
            self.channel.transport.pauseProducing()
            self._check = asyncio.ensure_future(self._check_sender(size))
        elif self._check.done():
            self._refuse()

    async def _check_sender(self, size: int) -> None:
        self._limit = await self._sender_limit()
        if self.channel is None or self._is_refused:
            return  # the connection has ended in the meantime
        self.channel.transport.resumeProducing()
        if max(size, self._received) > self._limit:
            self._refuse()
        elif self._whole:
            self._timer.cancel()
            super().requestReceived(*self._whole)
        else:
            self._timer.cancel()
            self._timer = _call_later(_staff_seconds(self._limit), self._end_slow_sender)

    async def _sender_limit(self) -> int:
        cookies, authorization = self._header(b"cookie"), self._header(b"authorization")
        try:
            is_known = await database_sync_to_async(is_staff)(
                cookies=cookies, authorization=authorization
            )
        except Exception:
            logger.exception("could not read a session")
            return ANONYMOUS_BYTES
        return staff_bytes(self._target) if is_known else ANONYMOUS_BYTES

    def _header(self, name: bytes) -> str:
        return str(self.requestHeaders.getRawHeaders(name, [b""])[0].decode("latin-1"))

    def _end_slow_sender(self) -> None:
        self._respond(*_TOO_SLOW)
        self.channel.loseConnection()

    def _refuse(self) -> None:
        """Respond immediately, and close the connection once the client has sent everything."""
        self._timer.cancel()
        self._respond(*_TOO_LARGE)
        if self._whole:
            self.channel.loseConnection()
        else:
            self._timer = _call_later(LINGER_SECONDS, self.channel.forceAbortClient)

    def _respond(self, status: int, reason: bytes, sentence: bytes) -> None:
        self._is_refused = True
        self.channel.transport.write(plain_response(status, reason, sentence))


def _call_later(seconds: float, work: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, work)


def _staff_seconds(limit: int) -> float:
    """Return how long a staff user may take to send a body of up to `limit` bytes."""
    return float(settings.AWAITSTEP.request_seconds + limit / _BYTES_PER_SECOND)


class LimitedFactory(HTTPFactory):  # type: ignore[misc]
    """Makes every connection a LimitedChannel, and every request a LimitedRequest."""

    protocol = LimitedChannel

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.timeOut = 2 * settings.AWAITSTEP.request_seconds
        protocol.requestFactory = LimitedRequest
        return protocol


class LimitedServer(Server):  # type: ignore[misc]
    """Daphne's server with a LimitedFactory."""

    @property
    def http_factory(self) -> HTTPFactory:
        return self._http_factory

    @http_factory.setter
    def http_factory(self, _factory: HTTPFactory) -> None:
        self._http_factory = LimitedFactory(self)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send a message in pieces, each once the client has read most of what was sent before."""
        for piece in _pieces(message):
            channel = channel_of(protocol)
            if channel is not None:
                await channel.wait_until_read()
            await super().handle_reply(protocol, piece)


def _pieces(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield messages that together are the message."""
    body = message.get("body", b"") if message["type"] == "http.response.body" else b""
    if len(body) <= _PIECE:
        yield message
        return
    for start in range(0, len(body), _PIECE):
        more_body = start + _PIECE < len(body) or message.get("more_body", False)
        yield {**message, "body": body[start : start + _PIECE], "more_body": more_body}


class LimitedCommandLine(CommandLineInterface):  # type: ignore[misc]
    """Daphne's command line with a LimitedServer."""

    server_class = LimitedServer

    def __init__(self) -> None:
        super().__init__()
        self.parser.set_defaults(
            websocket_max_message_size=ANONYMOUS_BYTES, websocket_max_frame_size=ANONYMOUS_BYTES
        )
