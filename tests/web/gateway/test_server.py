"""Limits on requests, tested over the network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.support.environment import free_port
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from tests.support.plain_http import request

LOGIN = "/admin/login/"
SMALL, LARGE, HUGE = 10_000, 1_000_000, 400_000_000
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


def head(path: str, *lines: str) -> bytes:
    text = "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""])
    return text.encode()


def connect(port: int) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))


def everything(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("cookie", ["", "awaitstep_session=made-up"])
def test_a_huge_body_is_refused_before_it_is_sent(installation: Installation, cookie: str) -> None:
    lines = [f"Content-Length: {HUGE}", f"Cookie: {cookie}"]

    with connect(installation.port) as connection:
        connection.sendall(head(LOGIN, *lines))
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_large_body_of_unknown_length_is_refused_while_it_arrives(
    installation: Installation,
) -> None:
    with connect(installation.port) as connection:
        connection.sendall(head(LOGIN, "Transfer-Encoding: chunked") + 4 * CHUNK)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        (LOGIN, SMALL, 403),
        (LOGIN, LARGE, 413),
        ("/admin/workflows/workflow/add/", LARGE, 413),
        ("/api/events/x", LARGE, 413),
        ("/events/", LARGE, 413),
        ("/nowhere/", LARGE, 413),
    ],
)
def test_an_anonymous_body_is_limited_on_every_path(
    installation: Installation, path: str, size: int, status: int
) -> None:
    answer = request("POST", f"http://127.0.0.1:{installation.port}{path}", content=b"x" * size)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [("/admin/workflows/workflow/add/", 200), ("/runs/batch/", 200), ("/api/events/x", 413)],
)
def test_staff_send_large_forms_but_not_large_calls(
    installation: Installation, path: str, status: int
) -> None:
    with installation.client() as client:
        form = {"csrfmiddlewaretoken": client.cookies["awaitstep_csrf"], "ir": "x" * LARGE}

        assert client.post(path, data=form).status_code == status


def test_a_user_without_access_to_pages_sends_no_large_bodies(installation: Installation) -> None:
    installation.create_user("visitor", superuser=False)
    with installation.client("visitor") as client:
        rows = "get_user_model().objects.filter(username='visitor')"
        code = f"from django.contrib.auth import get_user_model; {rows}.update(is_staff=False)"
        installation.manage("shell", "-v", "0", "-c", code)

        assert client.post("/nowhere/", content=b"x" * LARGE).status_code == 413


@pytest.fixture(scope="module")
def hasty_port(installation: Installation) -> Iterator[int]:
    """A second server, at which a request must arrive within half a second."""
    port = free_port()
    server = installation.start_server(port, AWAITSTEP_REQUEST_SECONDS="0.5")
    yield port
    server.terminate()
    server.wait()


@pytest.mark.parametrize(
    "started",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        head(LOGIN, "Content-Length: 100") + b"next=",
        head(LOGIN, "Transfer-Encoding: chunked") + b"5\r\nnext=\r\n",
    ],
)
def test_a_request_that_never_ends_is_aborted(hasty_port: int, started: bytes) -> None:
    with connect(hasty_port) as connection:
        connection.sendall(started)

        assert everything(connection).startswith(b"HTTP/1.1 408 ")


def test_single_bytes_do_not_keep_a_connection_open(hasty_port: int) -> None:
    with connect(hasty_port) as connection:
        connection.settimeout(0.1)
        for _ in range(100):
            connection.sendall(b"x")
            with suppress(TimeoutError):
                assert connection.recv(1) == b""
                return
        pytest.fail("the connection is still open")
