"""Those who listen to what a Worker prints: a plain WebSocket, and the real wrangler."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform
from toolchain import process
from toolchain.node_tools import NODE, WRANGLER

Event = dict[str, Any]
PROTOCOL = "trace-v1"


@dataclass(frozen=True, slots=True)
class Listener:
    """A WebSocket as its bytes: it takes what comes only when it is asked."""

    connection: socket.socket

    def event(self) -> Event:
        """Return the next event, and fail when none comes."""
        length = self._read(2)[1]
        if length == 126:
            (length,) = struct.unpack(">H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._read(8))
        return dict(json.loads(self._read(length)))

    def until(self, wanted: Callable[[Event], bool]) -> Event:
        while not wanted(event := self.event()):
            pass
        return event

    def hear(self, text: str) -> Event:
        """Return the first event with a log that says so."""
        return self.until(lambda event: text in json.dumps(event["logs"]))

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            chunk = self.connection.recv(count - len(read))
            assert chunk, "the connection ended"
            read += chunk
        return read


def create_tail(platform: Platform, worker: str, **filters: object) -> Any:
    body = {"filters": [{name: value} for name, value in filters.items()]}
    answer = platform.api("POST", f"workers/scripts/{worker}/tails", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


@contextmanager
def open_tail(platform: Platform, worker: str, **filters: object) -> Iterator[Listener]:
    """Listen to a Worker; when the body begins, nothing that it prints is missed."""
    parts = urlsplit(create_tail(platform, worker, **filters)["url"])
    with socket.create_connection((parts.hostname, parts.port), timeout=15) as connection:
        assert open_websocket(connection, parts.path) == 101
        yield Listener(connection)


def open_websocket(connection: socket.socket, path: str, protocol: str = PROTOCOL) -> int:
    """Ask for a WebSocket, and return the status of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "upgrade: websocket", "connection: Upgrade"]
    head += [f"sec-websocket-key: {key}", "sec-websocket-version: 13"]
    head += [f"sec-websocket-protocol: {protocol}", "", ""]
    connection.sendall("\r\n".join(head).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1) or b"\r\n\r\n"
    return int(answer.split()[1])


@contextmanager
def wrangler_tail(project: Project, *arguments: str) -> Iterator[Iterator[Event]]:
    """Run `wrangler tail`; it yields what it prints, event by event."""
    env = process.environment(
        home=project.folder,
        CLOUDFLARE_API_BASE_URL=project.platform.api_base_url,
        CLOUDFLARE_API_TOKEN=project.platform.token,
        CLOUDFLARE_ACCOUNT_ID=project.platform.account_id,
        WRANGLER_SEND_METRICS="false",
    )
    command = [str(NODE), str(WRANGLER), "tail", project.name, "--format", "json", *arguments]
    with subprocess.Popen(
        command, cwd=project.folder, env=env, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield events(running)
        finally:
            running.kill()


def events(running: subprocess.Popen[str]) -> Iterator[Event]:
    """Cut the JSON texts out of what is printed over several lines."""
    assert running.stdout is not None
    text = ""
    for line in running.stdout:
        text += line
        if line.rstrip() == "}":
            yield json.loads(text)
            text = ""
