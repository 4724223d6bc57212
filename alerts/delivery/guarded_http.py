"""Requests to addresses that users enter: they must not reach this host or its private network.

The name is resolved once and every address that it has is checked. The connection goes to the address
that was checked, so that the name cannot lead elsewhere in between. Redirects are not followed, proxies
of the environment are not used, and only the status of the response is read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx

TOTAL_SECONDS: Final = 10.0  # of a whole request
_PORTS: Final = {"http": 80, "https": 443}
_PORT_NUMBERS: Final = range(1, 65_536)
_NAT64: Final = ip_network("64:ff9b::/96")
_INTERNET: Final = ip_network("2000::/3")
"""All IPv6 addresses that are assigned on the Internet. Others can also lead to private IPv4 addresses."""


class NotSent(Exception):
    """The request was not answered; the message is safe to show and never contains the URL."""


class Refused(NotSent):
    """The address is not allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status of a response, and how many seconds it asks to wait, if it does."""

    status: int
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def url_problem(url: str, *, allows_private: bool) -> str:
    """Return what is wrong with a URL that a user has entered; "" if nothing is."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "Enter a URL."
    schemes = ("https", "http") if allows_private else ("https",)
    is_complete = parsed.host and (parsed.port or _PORTS[schemes[0]]) in _PORT_NUMBERS
    if parsed.scheme not in schemes or not is_complete:
        return f"Enter a URL that starts with {schemes[0]}://."
    return ""


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allows_private: bool = False
) -> Answer:
    """Send a POST request and return its answer; raises NotSent.

    With `allows_private`, addresses of this host and of private networks are allowed.
    """
    parsed = httpx.URL(url)
    address = _checked_address(parsed, allows_private=allows_private)
    try:
        return asyncio.run(_post(parsed, address, body, headers))
    except TimeoutError:
        raise NotSent(f"There was no response within {TOTAL_SECONDS:.0f} seconds.") from None
    except httpx.TimeoutException:
        raise NotSent(f"There was no response within {TOTAL_SECONDS:.0f} seconds.") from None
    except httpx.ConnectError as error:
        raise NotSent(_connect_problem(error)) from None
    except (httpx.HTTPError, OSError, ValueError):
        raise NotSent("The connection was closed without a response.") from None


def _checked_address(url: httpx.URL, *, allows_private: bool) -> str:
    port = url.port or _PORTS[url.scheme]
    try:
        host = url.raw_host.decode("ascii")  # Python would read "faß.de" as "fass.de"
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent("The host name cannot be resolved.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allows_private and not all(map(_is_public, addresses)):
        raise Refused(
            "The host has a private, loopback or link-local address, which is not allowed. "
            "AWAITSTEP_ALERT_PRIVATE_ADDRESSES=true would allow it."
        )
    return addresses[0]


def _is_public(text: str) -> bool:
    """Return whether an address is reachable on the Internet, even if it is embedded in an IPv6 address."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None:
            return embedded.is_global and not embedded.is_multicast
        if address not in _INTERNET:
            return False
    return address.is_global and not address.is_multicast


async def _post(url: httpx.URL, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send the request to the address; the host name is used for TLS and in the Host header."""
    host = url.netloc.decode("ascii").rpartition("@")[2]
    sent = {**headers, "host": host, "user-agent": "AwaitStep", "connection": "close"}
    async with (
        asyncio.timeout(TOTAL_SECONDS),
        httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=TOTAL_SECONDS) as client,
        client.stream(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=sent,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        ) as response,
    ):
        return Answer(status=response.status_code, retry_after=_seconds(response.headers))


@cache
def _tls() -> ssl.SSLContext:
    """Return the settings of TLS; loading the certificate authorities takes 30 ms."""
    return ssl.create_default_context()


def _seconds(headers: httpx.Headers) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _connect_problem(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "The TLS certificate of the host is not valid."
        cause = cause.__cause__ or cause.__context__
    return "The host did not accept the connection."
