"""Full-text search in the documentation, with SQLite's FTS5 in memory."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages

MAX_QUERY: Final = 200  # characters
_MAX_WORDS: Final = 10
_MAX_RESULTS: Final = 30
_WORD: Final = re.compile(r"\w+")
_START, _END = "\x02", "\x03"
_CREATE: Final = """
CREATE VIRTUAL TABLE passages USING fts5(
  page UNINDEXED, anchor UNINDEXED, title, heading, body, tokenize = "porter unicode61"
)
"""
_SELECT: Final = """
SELECT page, anchor, title, heading, snippet(passages, 4, char(2), char(3), '…', 24)
FROM passages WHERE passages MATCH ? ORDER BY bm25(passages, 0, 0, 8, 6, 1) LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of the text that was found; `is_match` is true for the words that match."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A passage that contains all words of a query."""

    page: str
    anchor: str
    title: str
    heading: str
    excerpts: tuple[Excerpt, ...]


def search(query: str) -> list[Result]:
    """Return the passages that contain all words, or words that start with them, best first."""
    words = _WORD.findall(query[:MAX_QUERY])[:_MAX_WORDS]
    if not words:
        return []
    match = " ".join(f'"{word}"*' for word in words)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(_CREATE)
        database.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?)", _rows())
        rows = database.execute(_SELECT, (match, _MAX_RESULTS)).fetchall()
    return [
        Result(
            page=page,
            anchor=anchor,
            title=title,
            heading=heading,
            excerpts=tuple(_excerpts(snippet)),
        )
        for page, anchor, title, heading, snippet in rows
    ]


def _rows() -> Iterator[tuple[str, str, str, str, str]]:
    for page in pages().values():
        for passage in parsed(page).passages:
            heading = passage.heading.title if passage.heading.level > 1 else ""
            anchor = passage.heading.anchor if heading else ""
            yield page.address, anchor, page.title, heading, passage.text


def _excerpts(snippet: str) -> Iterator[Excerpt]:
    for at, part in enumerate(re.split(f"[{_START}{_END}]", " ".join(snippet.split(" ")))):
        if part:
            yield Excerpt(text=part, is_match=at % 2 == 1)
