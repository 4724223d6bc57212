"""The text of a page."""

from __future__ import annotations

import html
import re
from typing import Protocol


class Answer(Protocol):
    @property
    def content(self) -> bytes: ...


def markup(answer: Answer) -> str:
    """Return the HTML of a page on one line, without the spaces around its tags."""
    content = " ".join(answer.content.decode().split())
    return re.sub(r" ?(<[^>]+>) ?", r"\1", re.sub(r" >", ">", content))


def text(answer: Answer) -> str:
    """Return the text of a page on one line, without tags, entities and repeated spaces."""
    content = re.sub(r"<(script|style|svg).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())
