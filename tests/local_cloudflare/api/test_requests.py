"""Requests to Workers pass through as they are."""

from __future__ import annotations

import socket

import httpx
import pytest

from tests.local_cloudflare.support.workers import deploy_worker, wait_for
from tests.support.platform_fixture import Platform

MIRROR = """
export default {
  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send(`heard ${data}`));
      return new Response(null, { status: 101, webSocket: client });
    }
    const url = new URL(request.url);
    if (url.pathname === "/stream") return new Response(stream());
    if (url.pathname === "/fail") throw new Error("private detail");
    const headers = Object.fromEntries(request.headers);
    const body = await request.text();
    const answer = { method: request.method, url: request.url, headers, body };
    return Response.json(answer, { status: 201, headers: { "x-own": "kept" } });
  },
};
function stream() {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  (async () => {
    await writer.write(new TextEncoder().encode("one"));
    await scheduler.wait(300);
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


def test_method_host_path_body_and_headers_arrive(mirror: Platform) -> None:
    answer = mirror.fetch("mirror", "/a/b?c=d", method="PUT", content=b"body")

    told = answer.json()
    assert (told["method"], told["body"]) == ("PUT", "body")
    assert told["url"] == f"http://mirror.localhost:{mirror.port}/a/b?c=d"
    assert told["headers"]["host"] == f"mirror.localhost:{mirror.port}"


def test_status_and_headers_come_back(mirror: Platform) -> None:
    answer = mirror.fetch("mirror")

    assert (answer.status_code, answer.headers["x-own"]) == (201, "kept")


def test_no_client_can_steer_the_runtime(mirror: Platform) -> None:
    headers = {"host": f"mirror.localhost:{mirror.port}", "mf-route-override": ":control"}

    told = httpx.get(f"http://127.0.0.1:{mirror.port}/", headers=headers).json()

    assert told["method"] == "GET"
    assert not [name for name in told["headers"] if name.startswith("mf-")]


def test_an_answer_streams(mirror: Platform) -> None:
    url = f"http://127.0.0.1:{mirror.port}/stream"
    with httpx.stream("GET", url, headers={"host": "mirror.localhost"}) as answer:
        chunks = list(answer.iter_raw())

    assert chunks == [b"one", b"two"]


def test_a_websocket_speaks_both_ways(mirror: Platform) -> None:
    with socket.create_connection(("127.0.0.1", mirror.port), timeout=5) as connection:
        connection.sendall(HANDSHAKE.encode())
        head = connection.recv(4096)
        connection.sendall(MASKED_HI)
        heard = connection.recv(4096)

    assert head.startswith(b"HTTP/1.1 101")
    assert heard[2:] == b"heard hi"


def test_an_unknown_worker_is_a_sentence(mirror: Platform) -> None:
    answer = mirror.fetch("nobody")

    assert answer.status_code == 404
    assert answer.text == 'There is no Worker named "nobody".\n'


@pytest.mark.parametrize("path", ["/cdn-cgi/local/scheduled", "/cdn-cgi/local/platform-proxy"])
def test_the_paths_of_the_runtime_are_closed(mirror: Platform, path: str) -> None:
    assert mirror.fetch("mirror", path).status_code == 404


def test_a_worker_that_throws_answers_500_without_paths_of_this_host(mirror: Platform) -> None:
    answer = mirror.fetch("mirror", "/fail")

    assert answer.status_code == 500
    assert "/work" not in answer.text
    assert "file://" not in answer.text


def test_what_a_worker_prints_is_kept_in_a_private_file(platform: Platform) -> None:
    deploy_worker(platform, "chatty", PRINTS)
    platform.fetch("chatty")
    file = platform.state / "logs" / "worker-chatty.jsonl"

    wait_for(lambda: "printed" if file.exists() and LINE in file.read_text() else "", "printed")

    assert file.stat().st_mode & 0o077 == 0
