"""Text tables with borders, like those that wrangler prints."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

Row = Mapping[str, str]


def table(rows: Sequence[Row], *, indent: str = "") -> Iterator[str]:
    """Yield the lines of a table; the columns are the keys of all rows, in order."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_one_line(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(names))]
    head, *body = [_row(row, widths) for row in cells]
    yield indent + _rule("┌┬┐", widths)
    yield indent + head
    for line in body:
        yield indent + _rule("├┼┤", widths)
        yield indent + line
    yield indent + _rule("└┴┘", widths)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return f"│ {' │ '.join(padded)} │"


def _rule(corners: str, widths: Sequence[int]) -> str:
    left, middle, right = tuple(corners)
    return left + middle.join("─" * (width + 2) for width in widths) + right


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _width(text: str) -> int:
    """Return the width in a terminal, where some characters take two columns and some none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
