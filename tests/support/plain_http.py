"""HTTP clients without TLS: loading the certificate authorities takes each client 30 ms of CPU time."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpx

from tests.support.patience import PATIENCE

NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The `verify` of an httpx client that calls only servers on loopback."""


def request(method: str, url: str, *, timeout: Any = PATIENCE, **more: Any) -> httpx.Response:
    return httpx.request(method, url, timeout=timeout, verify=NO_AUTHORITIES, **more)
