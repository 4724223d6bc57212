from __future__ import annotations

import asyncio

import pytest
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from audit.models import Entry
from tests.web.gateway.requests import http_scope
from web.asgi import Receive, Scope, Send
from web.gateway.websocket_origin import SameOriginWebSockets, is_own_origin, refuse_websocket
from web.streams.access import request_of


def allowed(origin: str, *, host: str = "127.0.0.1:8000", **more: object) -> bool:
    return is_own_origin(request_of(http_scope(host=host, origin=origin) | more))


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8788", False),
        ("http://127.0.0.1", False),
        ("https://127.0.0.1:8000", False),
        ("http://evil.example:8000", False),
        ("http://127.0.0.1:8000.evil.example", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_an_origin_is_ours_if_scheme_host_and_port_are(origin: str, *, is_own: bool) -> None:
    assert allowed(origin) == is_own


def test_a_host_that_is_not_served_is_not_an_origin() -> None:
    assert not allowed("http://evil.example", host="evil.example")


def test_behind_a_proxy_with_tls_the_origin_has_its_scheme(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["deploys.example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    scope = http_scope(
        host="deploys.example.com", origin="https://deploys.example.com", x_forwarded_proto="https"
    )

    assert is_own_origin(request_of(scope))
    assert not allowed("http://deploys.example.com", host="deploys.example.com", scheme="wss")


def test_trusted_origins_are_accepted(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://a.example:8443", "https://*.b.example"]

    assert allowed("https://a.example:8443")
    assert allowed("https://deep.b.example")
    assert not allowed("https://a.example")
    assert not allowed("http://deep.b.example")


async def accept(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


@pytest.mark.django_db(transaction=True)
def test_a_refused_websocket_is_in_the_audit_trail() -> None:
    async def connect(origin: bytes) -> bool:
        headers = [(b"host", b"127.0.0.1:8000"), (b"origin", origin)]
        socket = WebsocketCommunicator(SameOriginWebSockets(accept), "/", headers=headers)
        connected, _ = await socket.connect()
        await socket.disconnect()
        return bool(connected)

    assert asyncio.run(connect(b"http://127.0.0.1:8000"))
    assert not asyncio.run(connect(b"http://127.0.0.1:8788"))
    assert not asyncio.run(connect(b"http://127.0.0.1:8789"))

    entries = Entry.objects.filter(action="access denied", subject_kind="stream")
    assert [entry.count for entry in entries] == [2]


def test_a_websocket_of_an_unknown_address_is_refused() -> None:
    async def connect() -> bool:
        socket = WebsocketCommunicator(
            SameOriginWebSockets(refuse_websocket),
            "/nothing/here/",
            headers=[(b"host", b"testserver"), (b"origin", b"http://testserver")],
        )
        is_open, _ = await socket.connect()
        return bool(is_open)

    assert asyncio.run(connect()) is False
