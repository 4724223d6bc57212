"""A proxy in front of the platform's API that records each call and its response."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx

from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform

_PREFIX: Final = "/client/v4"
_NOT_FORWARDED: Final = ("transfer-encoding", "content-length", "connection", "content-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call and its response; `body` is None unless it is JSON."""

    method: str
    path: str
    status: int
    body: Any


@dataclass
class Recorder:
    """`url` is the base of the API to give to wrangler."""

    url: str
    calls: list[Call] = field(default_factory=list)


@contextmanager
def recording(platform: Platform) -> Iterator[Recorder]:
    """Record the calls that are made through the proxy until the block ends."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{platform.port}", timeout=PATIENCE)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self._read()
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("host", *_NOT_FORWARDED)
            }
            answer = client.request(self.command, self.path, headers=headers, content=body)
            recorder.calls.append(call_of(self.command, self.path, answer))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _NOT_FORWARDED:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _read(self) -> bytes:
            if self.headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder = Recorder(url=f"http://127.0.0.1:{server.server_port}{_PREFIX}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        client.close()


def call_of(method: str, path: str, answer: httpx.Response) -> Call:
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return Call(
        method=method,
        path=path.partition("?")[0].removeprefix(_PREFIX),
        status=answer.status_code,
        body=json.loads(answer.content) if is_json and answer.content else None,
    )
