"""Links between documentation pages are valid, and the table of contents lists every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each internal link on a page."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.S)
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in address:
            file, _, anchor = address.partition("#")
            yield (page.parent / file if file else page), anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_internal_link_has_a_target(page: Path) -> None:
    broken = [
        f"{file.name}#{anchor}"
        for file, anchor in links(page)
        if not file.exists() or (anchor and anchor not in anchors(file))
    ]

    assert broken == []


def named_code(page: Path) -> Iterator[tuple[str, Path]]:
    """Yield each link from a name in code to the file that defines it."""
    for name, file in re.findall(r"\[`(\w+)`\]\(([^)#]+\.py)\)", page.read_text("utf-8")):
        yield name, page.parent / file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_linked_name_is_defined_in_its_file(page: Path) -> None:
    missing = [
        f"{name} in {file.name}"
        for name, file in named_code(page)
        if not re.search(rf"^((async )?def|class) {name}\b|^{name}\b.* = ", file.read_text(), re.M)
    ]

    assert missing == []


def test_the_table_of_contents_lists_every_page() -> None:
    indexes = sorted((PROJECT / "docs").rglob("index.md"))
    listed = {file.resolve() for page in indexes for file, _ in links(page)}

    assert [page for page in PAGES[2:] if page not in {indexes[0], *listed}] == []
