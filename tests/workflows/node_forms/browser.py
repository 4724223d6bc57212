"""The data that a browser posts for an unchanged form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

from django.template.loader import render_to_string

from workflows.node_forms.controls import NodeForm

_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?")


def rendered(form: NodeForm) -> str:
    """Return the HTML of a form as a browser decodes it."""
    html = render_to_string("workflows/fields/form.html", {"form": form}).encode().decode()
    return html.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def posted(html: str) -> dict[str, list[str]]:
    """Return what the inputs post, by name."""
    page = _Inputs()
    page.feed(html)
    page.close()
    return page.values


class _Inputs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._text_area: tuple[str, list[str]] | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        name = values.get("name", "")
        if tag == "textarea":
            self._text_area = (name, [])
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select:
            self._select[1].append((values["value"], "selected" in values))
        elif tag == "input" and name:
            self._input(name, values)

    def _input(self, name: str, values: Mapping[str, str]) -> None:
        if values["type"] == "checkbox":
            if "checked" in values:
                self._add(name, values["value"])
            return
        text = values["value"].replace("\n", "")
        if values["type"] == "datetime-local" and not _LOCAL_TIME.fullmatch(text):
            text = ""
        self._add(name, text)

    def handle_data(self, data: str) -> None:
        if self._text_area:
            self._text_area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text_area:
            name, parts = self._text_area
            self._add(name, "".join(parts).removeprefix("\n").replace("\n", "\r\n"))
            self._text_area = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, is_selected in options if is_selected] or [options[0][0]]
            self._add(name, chosen[-1])
            self._select = None

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)
