"""Template tags that show what differs between two versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.numbered_lines import readable
from web.tones import Tone
from workflows.documents.comparison.files import FileChange
from workflows.documents.comparison.lines import Block, Line, LineDiff
from workflows.documents.comparison.nodes import Kind

register = template.Library()
_MAX_LINES: Final = 5_000
_KINDS: Final[Mapping[Kind, tuple[str, Tone]]] = {
    Kind.ADDED: ("Added", Tone("plus", "good", "")),
    Kind.REMOVED: ("Removed", Tone("bar", "bad", "")),
    Kind.CHANGED: ("Changed", Tone("swap", "busy", "")),
    Kind.RENAMED: ("Renamed", Tone("swap", "busy", "")),
    Kind.MOVED: ("Moved", Tone("move", "warn", "")),
}
_CLASSES: Final = {"+": " is-added", "-": " is-removed", " ": ""}


@register.inclusion_tag("web/_status.html")
def change_kind(kind: Kind) -> dict[str, Any]:
    """Render what has happened to a node."""
    label, tone = _KINDS[kind]
    return {"label": label, "tone": tone}


@register.inclusion_tag("web/_status.html")
def file_how(file: FileChange) -> dict[str, Any]:
    """Render whether a file was added, removed or changed."""
    return change_kind(Kind(file.how))


@register.simple_tag
def line_diff(diff: LineDiff, what: str) -> SafeString:
    """Render lines with their numbers on both sides; unchanged parts are folded."""
    left, parts = _MAX_LINES, []
    for block in diff.blocks:
        lines = list(islice(block.lines, left))
        left -= len(lines)
        if lines:
            parts.append((_block(block, lines),))
    omitted = sum(len(block.lines) for block in diff.blocks) - (_MAX_LINES - left)
    label = f"{what}: {_lines(diff.added)} added, {diff.removed:,} removed"
    return format_html(
        '<div class="listing diff" tabindex="0" role="region" aria-label="{}">{}</div>{}',
        label,
        format_html_join("", "{}", parts),
        format_html('<p class="more">{} are not shown.</p>', _lines(omitted)) if omitted else "",
    )


def _block(block: Block, lines: Iterable[Line]) -> SafeString:
    rows = format_html_join(
        "",
        '<span class="diff-line{}"><span data-line="{}"></span><span data-line="{}"></span>'
        "<span>{}</span>{}\n</span>",
        (
            (
                _CLASSES[line.sign],
                line.before or "",
                line.after or "",
                line.sign,
                readable(line.text),
            )
            for line in lines
        ),
    )
    listing = format_html("<pre><code>{}</code></pre>", rows)
    if not block.is_folded:
        return listing
    count = _lines(len(block.lines)).replace(" ", " unchanged ")
    return format_html("<details><summary>{}</summary>{}</details>", count, listing)


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"
