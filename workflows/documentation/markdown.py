"""A page's Markdown as HTML, with anchors for its headings and for the settings in its tables.

The anchors of headings are those of GitHub, so that links work on both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from workflows.documentation.pages import Page, addresses, pages

_PARSER: Final = MarkdownIt("commonmark").enable("table")
_SETTINGS: Final = re.compile(r"<!-- settings of ([\w-]+) -->")
_ENTRY_CODE: Final = "<!-- entry code -->"
_DOCUMENT_KEYS: Final = frozenset({"metadata", "nodes", "edges", "entryNodeId"})

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading: `level` is 1 for the page's title."""

    anchor: str
    title: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A heading with the plain text below it."""

    heading: Heading
    text: str


@dataclass(slots=True, kw_only=True)
class CodeBlock:
    """A block of code; `document` is the workflow that it contains, or None. `at` is its number on the page.

    `entry_code` is the entry code of the document, from a marked block before it. `tests` are its saved
    tests, from a JSON list after it.
    """

    at: int
    language: str
    text: str
    document: JsonObject | None
    entry_code: str = ""
    tests: list[JsonObject] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ParsedPage:
    """The parts of a page. `summary` is its first paragraph, `anchors` are those of headings and settings."""

    tokens: list[Token]
    summary: str = ""
    headings: list[Heading] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    blocks: list[CodeBlock] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)

    @property
    def documents(self) -> list[CodeBlock]:
        return [block for block in self.blocks if block.document is not None]


def link_target(page: str, link: str) -> tuple[str, str] | None:
    """Return the address and the anchor that a link on a page leads to; None if it is not in the documentation."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return page, parts.fragment
    file = pages()[page].file if page in pages() else f"{page}.md"
    target = _normal(PurePosixPath(file).parent / parts.path)
    # The tables of the library link to the addresses of its pages.
    beside = _normal(PurePosixPath(page).parent / parts.path).removesuffix(".md")
    address = addresses().get(target) or (beside if beside in pages() else "")
    return (address, parts.fragment) if address and parts.path.endswith(".md") else None


def setting_anchor(type_name: str, path: str) -> str:
    """Return the anchor of a setting: `branch-branches-condition` for `branches[].condition`."""
    return f"{type_name}-{path.replace('[].', '-')}"


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


@cache
def parsed(page: Page) -> ParsedPage:
    """Parse a page."""
    result = ParsedPage(tokens=_PARSER.parse(page.text))
    _Reader(page, result).read()
    return result


class _Reader:
    """Finds the parts of a page and gives their tokens ids."""

    def __init__(self, page: Page, result: ParsedPage) -> None:
        self._page = page
        self._result = result
        self._type = ""
        self._is_entry_code = False
        self._entry_code = ""
        self._texts: list[str] = []

    def read(self) -> None:
        tokens = self._result.tokens
        for at, token in enumerate(tokens):
            match token.type:
                case "heading_open":
                    self._heading(token, tokens[at + 1])
                case "html_block":
                    self._comment(token)
                case "tr_open":
                    self._row(tokens[at : at + 3])
                case "fence" | "code_block":
                    self._block(token)
                case "inline" if tokens[at - 1].type != "heading_open":
                    self._texts.append(_plain(token))
                    self._result.summary = self._result.summary or self._texts[-1]
            self._result.links += [
                str(child.attrs["href"])
                for child in token.children or ()
                if child.type == "link_open"
            ]
        self._end_passage()

    def _heading(self, opening: Token, title: Token) -> None:
        self._end_passage()
        text = _plain(title)
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        opening.attrSet("id", anchor)
        self._result.anchors.add(anchor)
        level = int(opening.tag[1])
        self._result.headings.append(Heading(anchor=anchor, title=text, level=level))

    def _end_passage(self) -> None:
        if self._result.headings:
            heading, text = self._result.headings[-1], "\n".join(self._texts)
            self._result.passages.append(Passage(heading=heading, text=text))
        self._texts = []

    def _comment(self, token: Token) -> None:
        marked = _SETTINGS.search(token.content)
        self._type = marked[1] if marked else ""
        self._is_entry_code = _ENTRY_CODE in token.content

    def _row(self, tokens: Sequence[Token]) -> None:
        """Give each setting that the first cell names an anchor."""
        _, cell, content = tokens
        if not self._type or cell.type != "td_open":
            return
        for part in content.children or ():
            if part.type == "code_inline":
                anchor = setting_anchor(self._type, part.content)
                part.attrSet("id", anchor)
                self._result.anchors.add(anchor)

    def _block(self, token: Token) -> None:
        value = _json(token.content) if token.info == "json" else None
        document = value if _is_document(value) else None
        block = CodeBlock(
            at=len(self._result.blocks),
            language=token.info.strip(),
            text=token.content,
            document=document,
            entry_code=self._entry_code if document else "",
        )
        self._entry_code = token.content if self._is_entry_code else ""
        self._is_entry_code = False
        token.meta["block"] = block
        is_data = document is not None
        if isinstance(value, list) and self._result.documents:
            self._result.documents[-1].tests += value
            is_data = True
        self._result.blocks.append(block)
        self._texts.append("" if is_data else token.content)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_document(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _DOCUMENT_KEYS


def _plain(token: Token) -> str:
    kinds = {"text", "code_inline"}
    parts = (
        child.content if child.type in kinds else " " if child.type == "softbreak" else ""
        for child in token.children or ()
    )
    return "".join(parts)


def html(
    page: Page,
    *,
    address_of: Callable[[str], str],
    block_html: Callable[[CodeBlock], str],
) -> str:
    """Return the page as HTML.

    `address_of` returns the URL of another page. Links to other files of the project become plain text.
    """
    options: Any = _PARSER.options
    tokens = list(_shown(parsed(page).tokens, page, address_of))
    parts: list[str] = []
    start = 0
    for at, token in enumerate(tokens):
        if "block" in token.meta:
            parts.append(_PARSER.renderer.render(tokens[start:at], options, {}))
            parts.append(block_html(token.meta["block"]))
            start = at + 1
    parts.append(_PARSER.renderer.render(tokens[start:], options, {}))
    return "".join(parts)


def _shown(
    tokens: Sequence[Token], page: Page, address_of: Callable[[str], str]
) -> Iterator[Token]:
    for token in tokens:
        if token.type == "html_block":
            continue
        if token.type == "inline":
            children = list(_linked(token.children or (), page, address_of))
            yield token.copy(children=children)
        elif token.type == "table_open":
            yield _raw('<div class="scrolling">')
            yield token
        elif token.type == "table_close":
            yield token
            yield _raw("</div>")
        else:
            yield token


def _raw(text: str) -> Token:
    return Token("html_block", "", 0, content=text)


def _linked(
    tokens: Sequence[Token], page: Page, address_of: Callable[[str], str]
) -> Iterator[Token]:
    is_open = True
    for token in tokens:
        if token.type == "link_open":
            url = _url(page, str(token.attrs["href"]), address_of)
            is_open = bool(url)
            if url:
                yield token.copy(attrs={**token.attrs, "href": url})
        elif token.type == "link_close":
            if is_open:
                yield token
        elif token.type == "html_inline":
            yield Token("text", "", 0, content=token.content)
        else:
            yield token


def _url(page: Page, link: str, address_of: Callable[[str], str]) -> str:
    if urlsplit(link).scheme in ("https", "http"):
        return link
    target = link_target(page.address, link)
    if target is None:
        return ""
    address, anchor = target
    url = "" if address == page.address and anchor else address_of(address)
    return f"{url}#{anchor}" if anchor else url
