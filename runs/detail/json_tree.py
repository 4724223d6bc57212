"""JSON as a tree that folds, rendered on the server with every text escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from toolchain import half_characters

_MAX_VALUES: Final = 2_000
_MAX_DEPTH: Final = 25
_MAX_TEXT: Final = 10_000  # characters
_EXPANDED_LEVELS: Final = 2
_EXPANDED_SIZE: Final = 50


def read_json(text: Any) -> Any:
    """Parse text as JSON, without half characters; return it unchanged if it is not JSON."""
    if not isinstance(text, str):
        return text
    try:
        return half_characters.loads(text)
    except (ValueError, RecursionError):
        return text


def tree(value: Any) -> SafeString:
    """Return the value as nested <details>; a very large value is truncated."""
    return mark_safe("".join(_Tree().draw(value, 0)))  # noqa: S308 - _Tree escapes each text


class _Tree:
    def __init__(self) -> None:
        self._remaining = _MAX_VALUES

    def draw(self, value: Any, level: int) -> Iterator[str]:
        self._remaining -= 1
        if isinstance(value, Mapping | list) and value and level < _MAX_DEPTH:
            yield from self._container(value, level)
        elif isinstance(value, Mapping | list) and value:
            yield f"<code>{_cut(json.dumps(value, ensure_ascii=False)[:_MAX_TEXT])}</code>"
        else:
            yield _scalar(value)

    def _container(self, value: Any, level: int) -> Iterator[str]:
        is_object = isinstance(value, Mapping)
        is_open = level < _EXPANDED_LEVELS and len(value) <= _EXPANDED_SIZE
        yield f'<details class="json"{" open" if is_open else ""}><summary>'
        yield f"{_size(value)}</summary><ul>"
        pairs = value.items() if is_object else enumerate(value)
        for shown, (key, item) in enumerate(pairs):
            if self._remaining <= 0:
                yield f'<li class="quiet">… {len(value) - shown:,} more</li>'
                break
            yield f'<li><span class="json-key">{escape(key)}</span> '
            yield from self.draw(item, level + 1)
            yield "</li>"
        yield "</ul></details>"


def _size(value: Any) -> str:
    count = len(value)
    if isinstance(value, Mapping):
        return f"{{ }} {count:,} {'key' if count == 1 else 'keys'}"
    return f"[ ] {count:,} {'item' if count == 1 else 'items'}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return f'<span class="json-text">{_cut(value)}</span>'
    return f'<span class="json-value">{_cut(json.dumps(value, ensure_ascii=False))}</span>'


def _cut(text: str) -> str:
    if len(text) <= _MAX_TEXT:
        return escape(text)
    return f"{escape(text[:_MAX_TEXT])} … {len(text) - _MAX_TEXT:,} more characters"
