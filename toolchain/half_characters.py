"""JSON from JavaScript, whose strings can contain half a character, such as half of an emoji.

No page, database or file can hold such a lone surrogate, so it becomes U+FFFD (replacement character).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_HALF: Final = re.compile(r"[\ud800-\udfff]")
_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def without(text: str | bytes) -> str | bytes:
    """Return JSON without half characters; unchanged if it has none, or is not JSON."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    if not _ESCAPE.search(data):
        return text
    try:
        readable = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    whole, count = _HALF.subn("\ufffd", readable)
    return whole if count else text


def loads(text: str | bytes) -> Any:
    """Parse JSON without half characters; raises ValueError, or RecursionError if it is too deep."""
    return json.loads(without(text))
