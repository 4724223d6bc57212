"""Routes and custom domains: what Cloudflare accepts, and the host and zone of a pattern."""

from __future__ import annotations

import re
from typing import Final

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_SCHEME: Final = re.compile(r"^https?://", re.IGNORECASE)


def host_of(pattern: str) -> str:
    """Return the host of a route pattern, including a wildcard: `*.example.com`."""
    return _SCHEME.sub("", pattern).partition("/")[0].lower()


def record_name(host: str, zone: str) -> str:
    """Return the name of the host's DNS record in its zone, as entered in Cloudflare's dashboard."""
    return host.removesuffix(zone).rstrip(".") or "@"


def is_host(name: str) -> bool:
    """Whether this is a host name of two or more labels."""
    return len(name) <= 253 and _HOST.fullmatch(name) is not None


def is_in_zone(host: str, zone: str) -> bool:
    """Whether a host, which may start with a wildcard, belongs to the zone."""
    plain = host.removeprefix("*").removeprefix(".")
    return plain == zone or plain.endswith("." + zone)


def route_errors(pattern: str, zone: str) -> list[str]:
    """Return why a pattern cannot be a route of the zone; an empty list if it can."""
    host, _slash, path = _SCHEME.sub("", pattern).partition("/")
    host = host.lower()
    errors = []
    if "?" in pattern or "#" in pattern or any(map(str.isspace, pattern)):
        errors.append("a route cannot have spaces, a query (?) or a fragment (#)")
    if ":" in host:
        errors.append("a route cannot have a port: Cloudflare only serves 80 and 443")
    elif not is_host(host.removeprefix("*").removeprefix(".")):
        errors.append("it must start with a host such as api.example.com or *.example.com")
    elif "*" in host[1:]:
        errors.append("a wildcard (*) in the host must be at its start")
    if "*" in path[:-1]:
        errors.append("a wildcard (*) in the path must be at its end")
    if not errors and not is_in_zone(host, zone):
        errors.append(f"its host {host} does not belong to the zone {zone}")
    return errors


def domain_errors(domain: str) -> list[str]:
    """Return why a name cannot be a custom domain, with the same checks as wrangler."""
    if "*" in domain:
        return ["a custom domain cannot have a wildcard (*): use a route instead"]
    if "/" in domain:
        return ["a custom domain cannot have a path: use a route instead"]
    if not is_host(domain):
        return ["a custom domain must be a lowercase host name such as api.example.com"]
    return []
