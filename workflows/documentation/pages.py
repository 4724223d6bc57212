"""The pages of the documentation, and their order in the contents.

They are the files under `docs/`, and the page in the folder of each node type in the library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from workflows.ir.document.node_types import Category, NodeType
from workflows.nodes.library.library import library, page_files

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
INDEX: Final = "index"
LIBRARY: Final = "nodes/library"
_LIBRARY_TABLES: Final = "<!-- the library -->"
_TABLE_HEAD: Final = "| type | what it does |\n| --- | --- |"
_SECTION: Final = re.compile(r"^## (.+)\n((?:(?!#).*\n?)*)", re.M)
_ENTRY: Final = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\.md\)", re.M)
_ROW: Final = re.compile(r"^\| \[([^\]]+)\]\(([^)]+)\.md\)", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A Markdown file; `address` is its place in the contents, such as "nodes/step".

    `file` is its path relative to `docs/`, from which its links start.
    """

    address: str
    title: str
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the contents; `children` are the pages that its page lists in a table.

    `is_code` is true if the title is a name in code.
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
    files = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in DOCS.rglob("*.md")}
    files |= {f"nodes/{name}": path for name, path in page_files()}
    return {address: _page(address, path) for address, path in sorted(files.items())}


def _page(address: str, path: Path) -> Page:
    text = path.read_text("utf-8")
    if address == LIBRARY:
        text = text.replace(_LIBRARY_TABLES, library_tables())
    title = text.partition("\n")[0].removeprefix("# ").replace("`", "")
    file = PurePosixPath(os.path.relpath(path, DOCS))
    return Page(address=address, title=title, text=text, file=file.as_posix())


@cache
def addresses() -> Mapping[str, str]:
    """Return the addresses of all pages by their files, relative to `docs/`."""
    return {page.file: page.address for page in pages().values()}


def library_tables() -> str:
    """Return the types in the library as Markdown: a table for each category."""
    newest = {name: each.type for (name, _), each in library().items()}
    return "\n\n".join(
        "\n".join([f"## {category}", "", _TABLE_HEAD, *map(_row, types)])
        for category in Category
        if (types := [type_ for type_ in newest.values() if type_.category is category])
    )


def _row(type_: NodeType) -> str:
    return f"| [`{type_.name}`]({type_.name}.md) | {type_.summary} |"


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
