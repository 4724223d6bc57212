"""Text areas with unchanged line endings, which browsers send as carriage return and line feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms


def with_line_feeds(text: str) -> str:
    """Return the text with a line feed at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unless_unchanged(text: str, stored: str) -> str:
    """Return the text of a form, or the stored text if they differ only in line endings."""
    return stored if with_line_feeds(stored) == with_line_feeds(text) else text


class TextArea(forms.Textarea):
    """A text area whose lines end in line feeds, as typed."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return with_line_feeds(value) if isinstance(value, str) else value
