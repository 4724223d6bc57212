"""The templates that people start a workflow from: the documents on the pages under `docs/templates/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from workflows.documentation.markdown import JsonObject, parsed
from workflows.documentation.pages import Entry, contents, pages
from workflows.nodes.library.registry import registry
from workflows.picture.drawing import picture_of

_INDEX: Final = "templates/index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A page with a document; `example` is the number of its block of code, `purpose` one sentence.

    `tests` are the saved tests that a workflow gets. `picture` is safe SVG, whose ids no other template
    has.
    """

    address: str
    title: str
    purpose: str
    example: int
    tests: Sequence[JsonObject]
    picture: str


@cache
def templates() -> tuple[Template, ...]:
    """Return the templates in the order of their table; the pictures are drawn on the first call."""
    entries = (entry for section in contents() for entry in section.entries)
    index = next(entry for entry in entries if entry.address == _INDEX)
    return tuple(map(_template, index.children))


def _template(entry: Entry) -> Template:
    page = parsed(pages()[entry.address])
    (block,) = page.documents
    return Template(
        address=entry.address,
        title=entry.title,
        purpose=page.summary,
        example=block.at,
        tests=block.tests,
        picture=picture_of(block.document, registry(), uid=entry.address.replace("/", "-")).svg,
    )
