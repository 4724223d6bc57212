"""Clients that do not read what they request, and requests with lines that are too long."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.deployments.fakes import document
from tests.support.environment import free_port
from tests.support.installation import Installation
from tests.support.plain_http import request

SCRIPT = "/static/bundled/code_fields.js"  # the largest file that everyone can fetch
REQUEST = f"GET {SCRIPT} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
REQUESTS = 200


def connect(port: int) -> closing[socket.socket]:
    """Connect with a receive buffer that is soon full."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    return closing(connection)


def memory(pid: int) -> int:
    """Return the most memory that the process has used so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def send_until_closed(connection: socket.socket) -> None:
    """Send without reading until the server has closed the connection."""
    with suppress(ConnectionError):
        while connection.send(b"G"):
            pass


@pytest.fixture(scope="module")
def hasty(installation: Installation) -> Iterator[tuple[int, int]]:
    """The port and the process id of a second server, at which clients have three seconds."""
    port = free_port()
    server = installation.start_server(port, AWAITSTEP_REQUEST_SECONDS="3")
    yield port, server.pid
    server.terminate()
    server.wait()


def test_responses_that_are_not_read_do_not_fill_the_memory(hasty: tuple[int, int]) -> None:
    port, pid = hasty
    size = len(request("GET", f"http://127.0.0.1:{port}{SCRIPT}").content)
    before = memory(pid)

    with connect(port) as connection:
        connection.sendall(REQUESTS * REQUEST)
        send_until_closed(connection)

    assert memory(pid) - before < REQUESTS * size // 10


def test_a_slow_reader_receives_a_large_response_completely(hasty: tuple[int, int]) -> None:
    port, _ = hasty
    whole = request("GET", f"http://127.0.0.1:{port}{SCRIPT}").content
    received = b""

    with connect(port) as connection:
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while part := connection.recv(1024):
            received += part

    assert received.partition(b"\r\n\r\n")[2] == whole


def frame(payload: bytes) -> bytes:
    """Return a text message of a WebSocket, masked with zeros."""
    return b"\x81\xfe" + struct.pack("!H", len(payload)) + bytes(4) + payload


def test_a_websocket_that_is_not_read_is_closed(
    installation: Installation, hasty: tuple[int, int]
) -> None:
    port, _ = hasty
    workflow = installation.import_document(document())
    with installation.client() as client:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    lines = [f"GET /workflows/{workflow}/language/ HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"Origin: http://127.0.0.1:{port}", f"Cookie: {cookies}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    message = json.dumps({"id": "x" * 60_000, "method": "initialize"})  # the answer repeats the id

    with connect(port) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 101 ")
        connection.sendall(110 * frame(message.encode()))  # the kernel keeps 4 MB
        closed = select.poll()
        closed.register(connection, 0)

        assert closed.poll(25_000)  # Daphne itself closes it after 50 seconds


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (f"GET /?{'x' * 20_000} HTTP/1.1\r\nHost: 127.0.0.1", b"414"),
        (f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: {'x' * 20_000}", b"431"),
    ],
)
def test_a_line_that_is_too_long_gets_a_response(
    installation: Installation, lines: str, status: bytes
) -> None:
    with connect(installation.port) as connection:
        connection.sendall(f"{lines}\r\n\r\n".encode())
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 %s " % status)
    assert b"content-security-policy" in answer


def test_a_client_cannot_choose_the_path_of_the_site(installation: Installation) -> None:
    url = f"http://127.0.0.1:{installation.port}/admin/login/"

    assert request("GET", url, headers={"Daphne-Root-Path": "/other"}).status_code == 200
