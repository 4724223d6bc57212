"""Documentation comments as plain text: Markdown and JSDoc tags without their marks."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

_FENCE: Final = re.compile(r"^```[\w-]*[ \t]*$", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[([^\[\]\n]{1,500})\]\([^()\s]{0,2000}\)")
_JSDOC_LINK: Final = re.compile(r"\{@link(?:code|plain)?\s+([^{}|\s]+)[|\s]*([^{}]*)\}")
_HEADING: Final = re.compile(r"^#{1,6}\s+", re.MULTILINE)
_STRONG: Final = re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,500})(?<=\S)\1")
_EMPHASIS: Final = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,500})(?<=\S)\*(?![\w*])")
_CODE: Final = re.compile(r"(`{1,2})(?!`)([^`\n]{1,500})\1(?!`)")
_NAMED_TAG: Final = re.compile(
    r"^@(?:param|template|property)\s+(\S+)[ \t]*(?:[\u2014-][ \t]*)?", re.MULTILINE
)
_TAG: Final = re.compile(
    r"^@(\w+)[ \t]*(?:[\u2014-][ \t]*)?(?:\{([^{}\n]*)\}[ \t]*)?", re.MULTILINE
)
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def plain(markdown: str) -> str:
    """Return the text of a documentation comment as people read it; code in fences stays as it is."""
    parts = _FENCE.split(markdown)
    texts = [part if index % 2 else _without_marks(part) for index, part in enumerate(parts)]
    return _BLANK_LINES.sub("\n\n", "".join(texts)).strip()


def _without_marks(markdown: str) -> str:
    text = _JSDOC_LINK.sub(lambda match: match[2].strip() or match[1], markdown)
    text = _LINK.sub(r"\1", text)
    text = _HEADING.sub("", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(r"\1", text)
    text = _CODE.sub(r"\2", text)
    text = _NAMED_TAG.sub(r"\1: ", text)
    text = _TAG.sub(_title, text)
    return unescape(_ESCAPED.sub(r"\1", text))


def _title(match: re.Match[str]) -> str:
    type_ = f"{match[2]}: " if match[2] else ""
    return f"{match[1].capitalize()}: {type_}"
