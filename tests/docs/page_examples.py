"""The examples of the documentation: each document, and the runs that its page describes."""

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
_VARIABLE: Final = re.compile(r"^    .* set_variable (\w+) (\S+) --workflow ID", re.M)
_STEP: Final = re.compile(
    r"- (?P<name>.+?)(?: \((?P<attempts>\d+) attempts\))?(?: -> (?P<output>.+))?"
)


@dataclass(slots=True, kw_only=True)
class DocumentedRun:
    """A run as its page describes it: how it starts, what is sent to it, its steps and its output.

    A step is its name, its number of attempts, and its output as JSON ("" if the page omits it).
    A request is what an API receives and what it answers. `end` is the output, or a script's response.
    """

    start: str
    payload: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    decisions: list[tuple[str, str]] = field(default_factory=list)
    steps: list[tuple[str, int, str]] = field(default_factory=list)
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document on a page, its runs, and the variables that the page sets."""

    document: dict[str, Any]
    runs: tuple[DocumentedRun, ...]
    variables: dict[str, str]

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def placeholder(self) -> str:
        """What other documents use instead of the id that the import assigns."""
        return "id-of-" + self.name.lower().replace(" ", "-")

    @property
    def is_script(self) -> bool:
        return self.document.get("kind") == "script"

    @property
    def types(self) -> set[str]:
        return {node["type"] for node in self.document["nodes"]}


def examples() -> list[Example]:
    """Return the examples in page order."""
    return [example for page in PAGES for example in examples_of(page)]


def examples_of(page: str) -> list[Example]:
    """Return the examples on a page."""
    return [
        Example(
            document=json.loads(document),
            runs=tuple(_documented_run(lines.splitlines()) for lines in runs.strip().split("\n\n")),
            variables=dict(_VARIABLE.findall(page)),
        )
        for document, runs in _EXAMPLE.findall(page)
    ]


def defaults(page: str) -> dict[str, str]:
    """Return the defaults in the page's table of settings, as JSON."""
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, re.M))


def _documented_run(lines: list[str]) -> DocumentedRun:
    start, _, payload = lines[0].partition(" {")
    run = DocumentedRun(start=start, payload="{" + payload)
    for line in lines[1:]:
        _read(line, run)
    return run


def _read(line: str, run: DocumentedRun) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "-":
            step = _STEP.fullmatch(line)
            assert step
            output = step["output"] or ""
            shown = output if not output or output.startswith("error ") else canonical(output)
            run.steps.append((step["name"], int(step["attempts"] or 1), shown))
        case "event":
            name, _, payload = rest.partition(" ")
            run.events.append((name, payload))
        case "decision":
            decision, _, fields = rest.partition(" ")
            run.decisions.append((decision, fields or "{}"))
        case "asks":
            run.requests.append((rest, ""))
        case "answered":
            run.requests[-1] = (run.requests[-1][0], rest)
        case "output" | "answer":
            run.end = canonical(rest)
        case _:
            raise AssertionError(f"unknown line on the page: {line!r}")


def canonical(text: str) -> str:
    """Return the JSON text in canonical form: equal values give equal texts."""
    return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)


def strings(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
