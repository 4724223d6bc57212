"""Receivers of messages on loopback, which fail as often as a test wants and then accept."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.http_server import Handler, serving
from tests.support.patience import PATIENCE

OK, ERROR, BUSY, GONE, RESET, SILENT, SLOW_BODY, REDIRECT = (
    "ok",
    "error",
    "busy",
    "gone",
    "reset",
    "silent",
    "slow body",
    "redirect",
)
_STATUS: Final = {OK: 204, ERROR: 500, BUSY: 429, GONE: 410}
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass
class Request:
    """What a receiver got."""

    path: str
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Receiver:
    """An HTTP server; `behaviors` are used up one by one, and after that it accepts."""

    url: str = ""
    behaviors: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: Handler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append(Request(handler.path, headers, handler.read_body()))
        behavior = self.behaviors.pop(0) if self.behaviors else OK
        if behavior == SILENT:
            self.end.wait(PATIENCE)
        elif behavior == RESET:
            option = socket.SO_LINGER
            handler.connection.setsockopt(socket.SOL_SOCKET, option, _NO_LINGER)
            handler.connection.close()
        elif behavior == SLOW_BODY:
            handler.send_response(200)
            handler.send_header("content-length", "1000000")
            handler.end_headers()
            self.end.wait(PATIENCE)
        elif behavior == REDIRECT:
            handler.respond(302, b"", [("location", f"{self.url}/elsewhere")])
        else:
            retry = [("retry-after", "1800")] if behavior == BUSY else []
            handler.respond(_STATUS[behavior], b"x" * 100, retry)


@contextmanager
def receiving(*behaviors: str) -> Iterator[Receiver]:
    """Receive requests until the end of the block."""
    receiver = Receiver(behaviors=list(behaviors))

    class Receiving(Handler):
        def do_POST(self) -> None:
            receiver.answer(self)

        def finish(self) -> None:
            if self.connection.fileno() != -1:  # not after a reset
                super().finish()

    with serving(Receiving) as url:
        receiver.url = url
        yield receiver
        receiver.end.set()


@dataclass
class MailServer:
    """An SMTP server; `refusals` are answers to the content of messages, used up one by one."""

    port: int = 0
    refusals: list[bytes] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@contextmanager
def mail_server(*refusals: bytes) -> Iterator[MailServer]:
    """Receive e-mails until the end of the block."""
    mails = MailServer(refusals=list(refusals))

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline():
                command = line[:4].upper().strip()
                if command == b"DATA":
                    self.wfile.write(b"354 continue\r\n")
                    self.wfile.write(self._content())
                elif command == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

        def _content(self) -> bytes:
            lines = iter(self.rfile.readline, b".\r\n")
            text = b"".join(lines).decode()
            if mails.refusals:
                return mails.refusals.pop(0)
            mails.messages.append(text)
            return b"250 accepted\r\n"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mails.port = server.server_address[1]
        yield mails
        server.shutdown()
