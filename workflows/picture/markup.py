"""The one door for people's text into markup."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from workflows.ir.reading.problems import escape_surrogates

_IMPOSSIBLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_NO_LINK: Final = re.compile(r"[\x00-\x20]*(javascript|data|vbscript)\s*:", re.IGNORECASE)


def safe(text: str) -> str:
    """Return the text for use between tags and in attributes, without what no page may hold."""
    return escape(_IMPOSSIBLE.sub("\ufffd", escape_surrogates(text)), quote=True)


def link(href: str) -> str:
    """Return the attribute of a link, "" for an address that would run."""
    return "" if not href or _NO_LINK.match(href) else f' href="{safe(href)}"'
