"""The maximum size of a request's body, by sender and path."""

from __future__ import annotations

import re
from typing import Final

ANONYMOUS_BYTES: Final = 64 * 1024
"""Enough to log in. It applies to everyone until the sender of a request is known."""

_MEBIBYTE: Final = 1024 * 1024
# The largest pages to send are forms with a document, in which each character may take three bytes.
STAFF_BYTES: Final = 40 * _MEBIBYTE
_BY_PATH: Final = (
    (re.compile(r"/admin/login/"), ANONYMOUS_BYTES),
    (re.compile(r"(?:/(?:deployments|runs)/[0-9]+|/runs)?/events/"), ANONYMOUS_BYTES),
    (re.compile(r"/api/workflows/"), 13 * _MEBIBYTE),  # documents and files as JSON
    (re.compile(r"/api/"), 256 * 1024),
)


def staff_bytes(path: str) -> int:
    """Return the maximum size of the body of a staff user's request."""
    return next((limit for pattern, limit in _BY_PATH if pattern.match(path)), STAFF_BYTES)
