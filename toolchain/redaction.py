"""Masking of secrets in the output of programs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

MASK = "•••"
_MIN_LENGTH = 4
_LONG = 8


def redact(text: str, secrets: Iterable[str]) -> str:
    """Mask each secret and its usual encodings, longest first so that no part remains.

    Secrets of up to three characters are not masked: masking each "e" of a text would reveal it.
    """
    forms = {form for secret in secrets if len(secret) >= _MIN_LENGTH for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = _masked(text, form)
    return text


def redact_json(value: Any, secrets: Iterable[str]) -> Any:
    """Return the JSON value with the secrets masked in each of its texts; keys stay unchanged."""
    secrets = tuple(secrets)
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, Mapping):
        return {str(key): redact_json(item, secrets) for key, item in value.items()}
    return [redact_json(item, secrets) for item in value] if isinstance(value, list) else value


def _masked(text: str, form: str) -> str:
    """Mask a short secret only as a whole word: masking it inside words would reveal it."""
    if len(form) >= _LONG or not form.isalnum():
        return text.replace(form, MASK)
    return re.sub(rf"(?<![^\W_]){re.escape(form)}(?![^\W_])", MASK, text)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (escape(secret), escape(secret, {'"': "&quot;", "'": "&apos;"}))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from _base64_forms(secret.encode())
    yield from (line for line in secret.splitlines() if len(line) >= 8)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield the part of the secret's base64 that does not depend on what surrounds it.

    Three bytes become four characters, so the secret can start at three offsets; characters that
    share bits with the surrounding bytes are left out.
    """
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret)
        stable = encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6].decode()
        if len(stable) >= 6:
            yield stable
            yield stable.replace("+", "-").replace("/", "_")
