"""Clients of live logs: a plain WebSocket, and the real wrangler."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.local_cloudflare.support.projects import Project
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform
from toolchain.node_tools import NODE, WRANGLER

Event = dict[str, Any]
PROTOCOL = "trace-v1"


@dataclass(frozen=True, slots=True)
class Listener:
    """A client of a tail; it reads from its socket only when an event is requested."""

    connection: socket.socket

    def event(self) -> Event:
        """Return the next event; fail if none comes."""
        length = self._read(2)[1]
        if length == 126:
            (length,) = struct.unpack(">H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._read(8))
        return dict(json.loads(self._read(length)))

    def wait_for(self, is_match: Callable[[Event], bool]) -> Event:
        """Return the first event that matches."""
        while not is_match(event := self.event()):
            pass
        return event

    def wait_for_log(self, text: str) -> Event:
        """Return the first event with this text in its logs."""
        return self.wait_for(lambda event: text in json.dumps(event["logs"]))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self.connection.recv(count - len(data))
            assert chunk, "the connection ended"
            data += chunk
        return data


def create_tail(platform: Platform, worker: str, **filters: object) -> Any:
    body = {"filters": [{name: value} for name, value in filters.items()]}
    response = platform.api("POST", f"workers/scripts/{worker}/tails", json=body)
    assert response.status_code == 200, response.text
    return response.json()["result"]


@contextmanager
def open_tail(platform: Platform, worker: str, **filters: object) -> Iterator[Listener]:
    """Open a tail of a Worker; once it is open, no event is missed."""
    parts = urlsplit(create_tail(platform, worker, **filters)["url"])
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        assert open_websocket(connection, parts.path) == 101
        yield Listener(connection)


def open_websocket(connection: socket.socket, path: str, protocol: str = PROTOCOL) -> int:
    """Request a WebSocket; return the status of the response."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "upgrade: websocket", "connection: Upgrade"]
    lines += [f"sec-websocket-key: {key}", "sec-websocket-version: 13"]
    lines += [f"sec-websocket-protocol: {protocol}", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    response = b""
    while not response.endswith(b"\r\n\r\n"):
        response += connection.recv(1) or b"\r\n\r\n"
    return int(response.split()[1])


@contextmanager
def wrangler_tail(project: Project, *arguments: str) -> Iterator[Iterator[Event]]:
    """Run `wrangler tail`, and yield the events that it prints."""
    command = [str(NODE), str(WRANGLER), "tail", project.name, "--format", "json", *arguments]
    env = project.environment()
    with subprocess.Popen(
        command, cwd=project.folder, env=env, stdout=subprocess.PIPE, text=True
    ) as wrangler:
        try:
            assert wrangler.stdout is not None
            yield _events(wrangler.stdout)
        finally:
            wrangler.kill()


def _events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events; each is JSON over several lines."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            yield json.loads(text)
            text = ""
