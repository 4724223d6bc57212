"""Removes tokens and half characters from a target's responses before anything reads them."""

from __future__ import annotations

import json
from typing import Final

import httpx

from toolchain import half_characters
from toolchain.redaction import MASK, redact, redact_json

_BYTES: Final = "latin-1"  # maps every byte to one character, and back
_MASK: Final = MASK.encode().decode(_BYTES)
_ENCODED: Final = (b"content-encoding", b"content-length", b"transfer-encoding")


def cleaned(response: httpx.Response, authorization: str) -> httpx.Response:
    """Return the response without the token of an Authorization header, and without half characters."""
    token = authorization.removeprefix("Bearer ").strip()
    content, headers = response.read(), response.headers.raw
    whole = half_characters.without(content)
    masked = whole.encode() if isinstance(whole, str) else whole
    if token:
        masked = _masked_content(masked, token)
        headers = [(name, _masked(value, token)) for name, value in headers]
    if masked == content and headers == response.headers.raw:
        return response
    return httpx.Response(
        response.status_code,
        headers=[(name, value) for name, value in headers if name.lower() not in _ENCODED],
        content=masked,
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )


def _masked(content: bytes, token: str) -> bytes:
    return redact(content.decode(_BYTES), [token]).replace(MASK, _MASK).encode(_BYTES)


def _masked_content(content: bytes, token: str) -> bytes:
    """Mask the token in a body; JSON can spell it with escapes, so its strings are compared too."""
    masked = _masked(content, token)
    if b"\\" not in masked:
        return masked
    try:
        value = json.loads(masked)
    except (ValueError, RecursionError):
        return masked
    hidden = redact_json(value, [token])
    return masked if hidden == value else json.dumps(hidden).encode()
