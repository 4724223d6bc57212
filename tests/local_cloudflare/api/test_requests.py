"""Requests to Workers are passed on unchanged."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial

import httpx
import pytest

from tests.local_cloudflare.support.workers import deploy_worker, wait_until
from tests.support.patience import PATIENCE
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform

MIRROR = """
export default {
  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send(`received ${data}`));
      return new Response(null, { status: 101, webSocket: client });
    }
    const url = new URL(request.url);
    if (url.pathname === "/stream") return new Response(stream());
    if (url.pathname === "/release") released = true;
    if (url.pathname === "/fail") throw new Error("private detail");
    const headers = Object.fromEntries(request.headers);
    const body = await request.text();
    const echo = { method: request.method, url: request.url, headers, body };
    return Response.json(echo, { status: 201, headers: { "x-own": "kept" } });
  },
};
let released = false;
function stream() {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  (async () => {
    await writer.write(new TextEncoder().encode("one"));
    while (!released) await scheduler.wait(10);
    await writer.write(new TextEncoder().encode("two"));
    await writer.close();
  })();
  return readable;
}
"""
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: mirror.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LINE = "from the Worker"
PRINTS = f"export default {{ fetch() {{ console.log('{LINE}'); return new Response() }} }}"
MASKED_HI = bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi"


@pytest.fixture(scope="module")
def mirror(platform: Platform) -> Platform:
    deploy_worker(platform, "mirror", MIRROR)
    return platform


def test_method_host_path_body_and_headers_are_passed_on(mirror: Platform) -> None:
    request = mirror.fetch("mirror", "/a/b?c=d", method="PUT", content=b"body").json()

    assert (request["method"], request["body"]) == ("PUT", "body")
    assert request["url"] == f"http://mirror.localhost:{mirror.port}/a/b?c=d"
    assert request["headers"]["host"] == f"mirror.localhost:{mirror.port}"


def test_status_and_headers_are_returned(mirror: Platform) -> None:
    response = mirror.fetch("mirror")

    assert (response.status_code, response.headers["x-own"]) == (201, "kept")


def test_a_client_cannot_control_the_runtime(mirror: Platform) -> None:
    headers = {"host": f"mirror.localhost:{mirror.port}", "mf-route-override": ":control"}

    received = request("GET", f"http://127.0.0.1:{mirror.port}/", headers=headers).json()

    assert received["method"] == "GET"
    assert not [name for name in received["headers"] if name.startswith("mf-")]


def test_a_response_is_streamed(mirror: Platform) -> None:
    url = f"http://127.0.0.1:{mirror.port}/stream"
    with httpx.stream(
        "GET", url, headers={"host": "mirror.localhost"}, timeout=PATIENCE
    ) as response:
        chunks = response.iter_raw()
        first = next(chunks)
        mirror.fetch("mirror", "/release")
        rest = b"".join(chunks)

    assert (first, rest) == (b"one", b"two")


def test_a_websocket_works_in_both_directions(mirror: Platform) -> None:
    with socket.create_connection(("127.0.0.1", mirror.port), timeout=PATIENCE) as connection:
        connection.sendall(HANDSHAKE.encode())
        head = connection.recv(4096)
        connection.sendall(MASKED_HI)
        message = connection.recv(4096)

    assert head.startswith(b"HTTP/1.1 101")
    assert message[2:] == b"received hi"


def test_a_worker_that_opens_no_websocket_gives_no_connection_to_the_runtime(
    mirror: Platform,
) -> None:
    deploy_worker(mirror, "plain", "export default { fetch: ({ url }) => new Response(url) }")
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\nmf-route-override: plain\r\n\r\n"
    with socket.create_connection(("127.0.0.1", mirror.port), timeout=PATIENCE) as connection:
        connection.sendall(HANDSHAKE.replace("mirror", "plain").encode())
        first = connection.recv(4096)
        with suppress(ConnectionError):
            connection.sendall(smuggled.encode())
            received = b"".join(iter(partial(connection.recv, 4096), b""))

    assert first.startswith(b"HTTP/1.1 200")
    assert b"smuggled" not in received


def test_an_unknown_worker_is_reported_by_name(mirror: Platform) -> None:
    response = mirror.fetch("unknown")

    assert response.status_code == 404
    assert response.text == 'There is no Worker named "unknown".\n'


@pytest.mark.parametrize("path", ["/cdn-cgi/local/scheduled", "/cdn-cgi/local/platform-proxy"])
def test_the_paths_of_the_runtime_are_closed(mirror: Platform, path: str) -> None:
    assert mirror.fetch("mirror", path).status_code == 404


def status_of(platform: Platform, target: str, worker: str = "mirror") -> int:
    """Return the status for a request target that is sent as it is."""
    with socket.create_connection(("127.0.0.1", platform.port), timeout=PATIENCE) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {worker}.localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("path", ["/a/../cdn-cgi/x", "/.\\cdn-cgi/x", "/%2e/cdn-cgi/x"])
def test_the_paths_of_the_runtime_are_closed_in_other_spellings(
    mirror: Platform, path: str
) -> None:
    assert status_of(mirror, path) == 404


@pytest.mark.parametrize("target", ["*", "http://localhost/", "http://localhost/cdn-cgi/x"])
def test_a_request_target_that_is_not_a_path_is_refused(mirror: Platform, target: str) -> None:
    assert status_of(mirror, target) == 400


def test_a_worker_that_throws_returns_500_without_local_paths(mirror: Platform) -> None:
    response = mirror.fetch("mirror", "/fail")

    assert response.status_code == 500
    assert "/work" not in response.text
    assert "file://" not in response.text


def test_logs_of_a_worker_are_kept_in_a_private_file(platform: Platform) -> None:
    deploy_worker(platform, "chatty", PRINTS)
    platform.fetch("chatty")
    file = platform.state / "logs" / "worker-chatty.jsonl"

    wait_until(lambda: file.exists() and LINE in file.read_text())

    assert file.stat().st_mode & 0o077 == 0
