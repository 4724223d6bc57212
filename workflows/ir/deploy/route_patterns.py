"""Routes and custom domains: what Cloudflare takes, and which host and zone a pattern is about."""

from __future__ import annotations

import re
from typing import Final

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_SCHEME: Final = re.compile(r"^https?://", re.IGNORECASE)


def host_of(pattern: str) -> str:
    """Return the host of a route's pattern, wildcard included: `*.example.com`."""
    return _SCHEME.sub("", pattern).partition("/")[0].lower()


def record_name(host: str, zone: str) -> str:
    """Return the name of the host's DNS record in its zone, as Cloudflare's dashboard takes it."""
    return host.removesuffix(zone).rstrip(".") or "@"


def is_host(name: str) -> bool:
    """Tell whether this is a host name of two labels or more."""
    return len(name) <= 253 and _HOST.fullmatch(name) is not None


def is_in_zone(host: str, zone: str) -> bool:
    """Tell whether a host, which may begin with a wildcard, belongs to the zone."""
    plain = host.removeprefix("*").removeprefix(".")
    return plain == zone or plain.endswith("." + zone)


def route_errors(pattern: str, zone: str) -> list[str]:
    """Say what keeps a pattern from being a route of the zone; an empty list means nothing does."""
    host, _slash, path = _SCHEME.sub("", pattern).partition("/")
    host = host.lower()
    mistakes = []
    if "?" in pattern or "#" in pattern or any(map(str.isspace, pattern)):
        mistakes.append("a route has no blanks, no query (?) and no fragment (#)")
    if ":" in host:
        mistakes.append("a route has no port: Cloudflare answers at 80 and 443 alone")
    elif not is_host(host.removeprefix("*").removeprefix(".")):
        mistakes.append("it must begin with a host such as api.example.com or *.example.com")
    elif "*" in host[1:]:
        mistakes.append("a wildcard (*) in the host can only stand at its beginning")
    if "*" in path[:-1]:
        mistakes.append("a wildcard (*) in the path can only stand at its end")
    if not mistakes and not is_in_zone(host, zone):
        mistakes.append(f"its host {host} does not belong to the zone {zone}")
    return mistakes


def domain_errors(domain: str) -> list[str]:
    """Say what keeps a name from being a custom domain; the words follow wrangler's checks."""
    if "*" in domain:
        return ["a custom domain has no wildcard (*): write a route for that"]
    if "/" in domain:
        return ["a custom domain has no path: write a route for that"]
    if not is_host(domain):
        return ["a custom domain is a host such as api.example.com, in small letters"]
    return []
