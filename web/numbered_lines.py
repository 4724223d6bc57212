"""Code and program output as HTML with numbered lines that can be linked to."""

from __future__ import annotations

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MAX_LINES = 5_000
MAX_COLUMNS = 2_000
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def lines(text: str) -> list[str]:
    """Return the lines without colors; of lines redrawn with `\\r`, only the last state."""
    return [_readable(line) for line in _ANSI.sub("", text).rstrip().split("\n")]


def _readable(line: str) -> str:
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line.rstrip("\r").rpartition("\r")[2])
    excess = len(line) - MAX_COLUMNS
    return line if excess <= 0 else f"{line[:MAX_COLUMNS]}… ({excess} more characters)"


def listing(text: str, name: str) -> SafeString:
    """Return the text as HTML; line 12 of the listing `source` has the id `source-12`."""
    numbered = lines(text)
    rows = format_html_join(
        "",
        '<span class="line"><a id="{0}-{1}" href="#{0}-{1}" data-line="{1}" tabindex="-1"'
        ' aria-hidden="true"></a>{2}\n</span>',
        ((name, number, line) for number, line in enumerate(numbered[:MAX_LINES], start=1)),
    )
    return format_html(
        '<div class="listing" tabindex="0" role="region" aria-label="{}">'
        '<pre id="{}-text"><code>{}</code></pre></div>{}',
        f"{len(numbered)} lines of text",
        name,
        rows,
        _omitted(len(numbered) - MAX_LINES),
    )


def _omitted(count: int) -> str:
    return (
        "" if count <= 0 else format_html('<p class="more">{} more lines are not shown.</p>', count)
    )
