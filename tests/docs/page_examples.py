"""The examples of the documentation: each document, and what its page says that the runs do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
TYPE_PAGES: Final = {
    page.stem: page.read_text("utf-8")
    for page in sorted((DOCS / "nodes").glob("*.md"))
    if page.stem not in ("index", "custom")
}
_OTHERS: Final = ("getting-started.md", "scripts.md")
PAGES: Final = (*((DOCS / name).read_text("utf-8") for name in _OTHERS), *TYPE_PAGES.values())

_EXAMPLE: Final = re.compile(r"```json\n(\{.*?\n\})\n```\n(?:\n[^`#]*)?\n```text\n(.*?)```", re.S)
_STEP: Final = re.compile(
    r"- (?P<name>.+?)(?: \((?P<attempts>\d+) attempts\))?(?: -> (?P<gives>.+))?"
)


@dataclass(slots=True, kw_only=True)
class Told:
    """A run as its page describes it: how it starts, what is sent to it, its steps and its output.

    A step is its name, its number of attempts, and its output as JSON ("" where the page leaves it
    out). `end` is the output, or a script's response.
    """

    start: str
    payload: str
    request: str = ""
    answer: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)
    steps: list[tuple[str, int, str]] = field(default_factory=list)
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document of a page, and its runs."""

    document: dict[str, Any]
    runs: tuple[Told, ...]

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def placeholder(self) -> str:
        """What other documents use in place of the id that it gets when it is imported."""
        return "id-of-" + self.name.lower().replace(" ", "-")

    @property
    def is_script(self) -> bool:
        return self.document.get("kind") == "script"

    @property
    def types(self) -> set[str]:
        return {node["type"] for node in self.document["nodes"]}


def examples() -> list[Example]:
    """Return the examples in the order of the pages."""
    return [
        Example(
            document=json.loads(document),
            runs=tuple(_told(lines.splitlines()) for lines in runs.strip().split("\n\n")),
        )
        for page in PAGES
        for document, runs in _EXAMPLE.findall(page)
    ]


def defaults(page: str) -> dict[str, str]:
    """Return the default of each setting in the page's table that has one, as JSON."""
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, re.M))


def _told(lines: list[str]) -> Told:
    start, _, payload = lines[0].partition(" {")
    told = Told(start=start, payload="{" + payload)
    for line in lines[1:]:
        _read(line, told)
    return told


def _read(line: str, told: Told) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "-":
            step = _STEP.fullmatch(line)
            assert step
            gives = step["gives"] or ""
            shown = gives if not gives or gives.startswith("error ") else canonical(gives)
            told.steps.append((step["name"], int(step["attempts"] or 1), shown))
        case "event":
            name, _, payload = rest.partition(" ")
            told.events.append((name, payload))
        case "asks":
            told.request = rest
        case "answered":
            told.answer = rest
        case "output" | "answer":
            told.end = canonical(rest)
        case _:
            raise AssertionError(f"what does the page mean by {line!r}?")


def canonical(text: str) -> str:
    """Return the JSON text as all texts of that value are written here."""
    return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)


def strings(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
