"""The pages of the documentation, and their order in the contents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
INDEX: Final = "index"
_SECTION: Final = re.compile(r"^## (.+)\n((?:(?!#).*\n?)*)", re.M)
_ENTRY: Final = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\.md\)", re.M)
_ROW: Final = re.compile(r"^\| \[([^\]]+)\]\(([^)]+)\.md\)", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A Markdown file; `address` is its path in `docs/` without the suffix, such as "nodes/step"."""

    address: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the contents; `children` are the pages that its page lists in a table.

    `is_code` if the title is a name in code.
    """

    address: str
    title: str
    is_code: bool = False
    children: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the contents."""

    title: str
    entries: tuple[Entry, ...]


@cache
def pages() -> Mapping[str, Page]:
    """Return all pages by their addresses."""
    files = {path.relative_to(DOCS).with_suffix(""): path for path in sorted(DOCS.rglob("*.md"))}
    return {
        address.as_posix(): _page(address.as_posix(), path.read_text("utf-8"))
        for address, path in files.items()
    }


def _page(address: str, text: str) -> Page:
    title = text.partition("\n")[0].removeprefix("# ").replace("`", "")
    return Page(address=address, title=title, text=text)


@cache
def contents() -> tuple[Section, ...]:
    """Return the contents as `docs/index.md` lists them, with the node types and the templates under their pages."""
    return tuple(
        Section(title=title, entries=tuple(_entries(INDEX, body, _ENTRY)))
        for title, body in _SECTION.findall(pages()[INDEX].text)
    )


def _entries(on_page: str, text: str, pattern: re.Pattern[str]) -> Iterator[Entry]:
    for title, link in pattern.findall(text):
        address = (PurePosixPath(on_page).parent / link).as_posix()
        children = _entries(address, pages()[address].text, _ROW)
        yield Entry(
            address=address,
            title=title.strip("`"),
            is_code=title.startswith("`"),
            children=tuple(each for each in children if each.address != address),
        )


def neighbors(address: str) -> tuple[Page | None, Page | None]:
    """Return the pages before and after a page in the order of the contents."""
    order = [INDEX, *dict.fromkeys(_in_order(contents()))]
    at = order.index(address) if address in order else 0
    before = pages()[order[at - 1]] if at else None
    after = pages()[order[at + 1]] if at + 1 < len(order) and address in order else None
    return before, after


def _in_order(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        for entry in section.entries:
            yield entry.address
            yield from (child.address for child in entry.children)
