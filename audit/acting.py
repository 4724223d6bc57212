"""Who acts: the user of the current request, or the user of the operating system in a command."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from audit.trail import Actor, command_line_actor

_CLIENT_BITS: Final = 64  # of an IPv6 address; a client usually has all addresses that share them
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class ActorMiddleware:
    """Keeps the current request, so that changes to users are recorded with the user who made them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self._get_response(request)
        finally:
            _request.reset(token)


def current_actor() -> Actor:
    """Return who acts, wherever the code is called from."""
    request = _request.get()
    return Actor.of(request.user) if request else command_line_actor()


def client_address(request: HttpRequest | None) -> str:
    """Return the address of the client; "" if it is unknown.

    Behind a proxy, it is the address that the proxy has added to X-Forwarded-For: everything before
    it may be forged. A server without HTTPS has no proxy in front of it, and ignores the header.
    """
    meta = request.META if request else {}
    address = str(meta.get("REMOTE_ADDR") or "")
    if settings.AWAITSTEP.uses_https:
        address = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2]
    try:
        return str(ip_address(address.strip()))
    except ValueError:
        return ""


def client_network(request: HttpRequest | None) -> str:
    """Return what a client cannot change: its address, or the network of an IPv6 address; "" if unknown."""
    text = client_address(request)
    address = ip_address(text) if text else None
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _CLIENT_BITS), strict=False))
