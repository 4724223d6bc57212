"""Escapes user text for use in markup. Nothing else may put such text into a picture."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import Final

from workflows.ir.reading.problems import escape_surrogates

_INVALID_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_UNSAFE_SCHEME: Final = re.compile(r"[\x00-\x20]*(javascript|data|vbscript)\s*:", re.IGNORECASE)


@lru_cache(maxsize=50_000)  # pictures that are drawn again have the same texts
def safe(text: str) -> str:
    """Return the text escaped for content and attributes, without characters invalid in HTML."""
    return escape(_INVALID_CHARACTERS.sub("\ufffd", escape_surrogates(text)), quote=True)


def link(href: str) -> str:
    """Return the `href` attribute; "" for a URL that would run a script."""
    return "" if not href or _UNSAFE_SCHEME.match(href) else f' href="{safe(href)}"'
