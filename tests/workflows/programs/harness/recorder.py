"""An HTTP server on loopback that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Answer = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request; names of headers are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Recorder:
    """The first part of a path names a case, whose answers are given in turn, the last for ever."""

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def at(self, case: str, *answers: Answer) -> str:
        """Set the answers of a case and return the address where they are given."""
        self.answers[case] = list(answers)
        return f"{self.address}/{case}"

    def hear(self, case: str, asked: Asked) -> Answer:
        with self._lock:
            self.asked.setdefault(case, []).append(asked)
            left = self.answers[case]
            return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder(address="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, case, *rest = self.path.split("/")
            length = int(self.headers.get("content-length") or 0)
            asked = Asked(
                method=self.command,
                path="/" + "/".join(rest),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length).decode(),
            )
            status, body = recorder.hear(case, asked)
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
