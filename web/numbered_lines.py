"""Code and program output as HTML with numbered lines that can be linked to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MAX_LINES = 5_000
MAX_COLUMNS = 2_000
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a line comes from: its name, its page, and whether the line is marked for it."""

    name: str
    url: str
    is_marked: bool = False


def lines(text: str) -> list[str]:
    """Return the lines without colors; if a line was redrawn with `\\r`, only its last state."""
    return [readable(line) for line in _ANSI.sub("", text).rstrip().split("\n")]


def readable(line: str) -> str:
    """Return the last state of a line, without control characters, and shortened if it is very long."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line.rstrip("\r").rpartition("\r")[2])
    excess = len(line) - MAX_COLUMNS
    return line if excess <= 0 else f"{line[:MAX_COLUMNS]}… ({excess} more characters)"


def listing(
    text: str, name: str, sources: Sequence[Source | None] = (), *, anchors: str = ""
) -> SafeString:
    """Return the text as HTML; line 12 of the listing `source` has the id `source-12`.

    With `anchors` "L", it has the id `L12`. `sources` has the source of each line. The first marked line is in an element `source-marked`.
    """
    numbered = lines(text)
    rows = format_html_join(
        "",
        '<span class="line{3}"{4}><a id="{0}{1}" href="#{0}{1}" data-line="{1}" tabindex="-1"'
        ' aria-hidden="true"></a>{2}{5}\n</span>',
        (
            (anchors or f"{name}-", number, line, *marks)
            for number, (line, marks) in enumerate(
                zip(numbered[:MAX_LINES], _marks(name, sources), strict=False), start=1
            )
        ),
    )
    return format_html(
        '<div class="listing" tabindex="0" role="region" aria-label="{}">'
        '<pre id="{}-text"><code>{}</code></pre></div>{}',
        f"{len(numbered)} lines of text",
        name,
        rows,
        _omitted(len(numbered) - MAX_LINES),
    )


def _marks(name: str, sources: Sequence[Source | None]) -> Iterator[tuple[str, str, str]]:
    """Yield, for each line, its class, its id, and the unclosed link to its source.

    Adjacent lines with the same source share one tab stop.
    """
    before, has_marked = None, False
    for source in sources:
        id_ = ""
        if source and source.is_marked and not has_marked:
            has_marked, id_ = True, format_html(' id="{}-marked"', name)
        link = _link(source, is_repeated=source == before) if source else ""
        yield " is-marked" if source and source.is_marked else "", id_, link
        before = source
    yield from repeat(("", "", ""))


def _link(source: Source, *, is_repeated: bool) -> SafeString:
    hidden = SafeString('tabindex="-1" aria-hidden="true"')
    label = hidden if is_repeated else format_html('aria-label="Edit {}"', source.name)
    return format_html(
        '<a class="line-source" href="{}" {} data-name="{}"></a>', source.url, label, source.name
    )


def _omitted(count: int) -> str:
    return (
        "" if count <= 0 else format_html('<p class="more">{} more lines are not shown.</p>', count)
    )
