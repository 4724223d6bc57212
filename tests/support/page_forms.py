"""The forms of a page, and the parameters in its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit


@dataclass
class Form:
    """A form: its address, and its fields with their values; `options` are buttons and boxes."""

    address: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*self.fields, *self.options]))


class Forms(HTMLParser):
    """Reads the `forms` of a page and the `parameters` of its links and of its GET forms."""

    def __init__(self, html: str, *, address: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.parameters: dict[str, None] = {}
        self._address = address
        self._open: Form | None = None
        self._text_area = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        for link in (values.get("href", ""), values.get("hx-get", "")):
            self.parameters |= dict.fromkeys(name for name, _ in parse_qsl(urlsplit(link).query))
        if tag == "form":
            address = urljoin(self._address, values.get("action", ""))
            self._open = Form(address, values.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open:
            self._add(self._open, tag, values)

    def _add(self, form: Form, tag: str, values: dict[str, str]) -> None:
        name, value = values.get("name", ""), values.get("value", "")
        if tag == "textarea":
            self._text_area = name
            form.fields[name] = ""
        elif tag == "select":
            self._select = name
            form.fields[name] = ""
        elif tag == "option" and self._select and "selected" in values:
            form.fields[self._select] = value
        elif tag in ("input", "button") and name:
            is_option = tag == "button" or values.get("type") in ("submit", "checkbox", "radio")
            chosen = form.options if is_option and "checked" not in values else form.fields
            chosen[name] = value or ("on" if is_option else "")

    def handle_data(self, data: str) -> None:
        if self._open and self._text_area:
            self._open.fields[self._text_area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text_area = ""
        elif tag == "select":
            self._select = ""
        elif tag == "form":
            if self._open and self._open.method == "get":
                self.parameters |= dict.fromkeys(self._open.fields)
            self._open = None
