"""Requests to addresses that users enter."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from alerts.delivery import guarded_http
from alerts.delivery.guarded_http import NotSent, Refused, post, url_problem
from tests.alerts.receivers import REDIRECT, RESET, SILENT, SLOW_BODY, receiving

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[fec0::1]",
]
Resolve = Callable[..., list[Any]]


def resolved(*addresses: str, calls: list[str] | None = None) -> Resolve:
    """A resolver that finds these addresses for any name."""

    def getaddrinfo(host: str, port: int, *_args: object, **_more: object) -> list[Any]:
        if calls is not None:
            calls.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    return getaddrinfo


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused(host: str) -> None:
    with pytest.raises(Refused, match="private, loopback or link-local"):
        post(f"https://{host}/secret-path", b"", {})


def test_a_name_is_refused_if_one_of_its_addresses_is_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolved("93.184.215.14", "10.0.0.1"))

    with pytest.raises(Refused):
        post("https://hooks.example.com/", b"", {})


def test_the_name_that_is_resolved_is_that_of_the_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", resolved("10.0.0.1", calls=calls))

    with pytest.raises(Refused):
        post("https://faß.example/", b"", {})

    assert calls == ["xn--fa-hia.example"]


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        monkeypatch.setattr(socket, "getaddrinfo", resolved("127.0.0.1", calls=calls))
        url = f"http://hooks.example.com:{port}/path?key=1"

        answer = post(url, b"{}", {}, allows_private=True)

    assert answer.is_success
    assert calls.count("hooks.example.com") == 1
    (request,) = receiver.requests
    assert (request.path, request.headers["host"]) == (
        "/path?key=1",
        f"hooks.example.com:{port}",
    )


def test_a_redirect_is_not_followed() -> None:
    with receiving(REDIRECT) as receiver:
        answer = post(receiver.url, b"{}", {}, allows_private=True)

    assert (answer.status, answer.is_success) == (302, False)
    assert [request.path for request in receiver.requests] == ["/"]


def test_a_receiver_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "TOTAL_SECONDS", 0.1)
    with receiving(SILENT) as receiver, pytest.raises(NotSent, match="no response within"):
        post(receiver.url, b"{}", {}, allows_private=True)


def test_the_body_of_a_response_is_not_waited_for() -> None:
    with receiving(SLOW_BODY) as receiver:
        assert post(receiver.url, b"{}", {}, allows_private=True).is_success


def test_a_reset_is_reported() -> None:
    with receiving(RESET) as receiver, pytest.raises(NotSent, match="closed without a response"):
        post(receiver.url, b"{}", {}, allows_private=True)


def test_a_closed_port_is_reported_without_the_url() -> None:
    with receiving() as receiver:
        pass
    with pytest.raises(NotSent) as error:
        post(f"{receiver.url}/secret-path", b"", {}, allows_private=True)

    assert str(error.value) == "The host did not accept the connection."


def test_a_receiver_without_tls_is_reported() -> None:
    with receiving() as receiver, pytest.raises(NotSent):
        post(receiver.url.replace("http://", "https://"), b"", {}, allows_private=True)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with receiving() as receiver:
        assert post(receiver.url, b"{}", {}, allows_private=True).is_success


@pytest.mark.parametrize(
    ("url", "allows_private", "is_accepted"),
    [
        ("https://hooks.example.com/x", False, True),
        ("http://hooks.example.com/x", False, False),
        ("http://127.0.0.1:9/x", True, True),
        ("file:///etc/passwd", True, False),
        ("https://", False, False),
        ("hooks.example.com", False, False),
        ("https://h:99999999/", False, False),
    ],
)
def test_a_url_is_checked_when_it_is_entered(
    url: str, *, allows_private: bool, is_accepted: bool
) -> None:
    assert (url_problem(url, allows_private=allows_private) == "") is is_accepted
