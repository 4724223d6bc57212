"""HTTP servers on loopback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

JSON = (("content-type", "application/json"),)


class Handler(BaseHTTPRequestHandler):
    """Reads a request and sends a whole response, without a log."""

    def read_body(self) -> str:
        return self.rfile.read(int(self.headers.get("content-length") or 0)).decode()

    def respond(self, status: int, body: bytes, headers: Iterable[tuple[str, str]] = JSON) -> None:
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """Serve requests until the end of the block; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
