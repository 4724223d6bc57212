"""The settings that hold a person's own words: code, text and JSON, each with its references."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from workflows.ir.reading.durations import milliseconds
from workflows.ir.reading.references import Reference, references_in


@dataclass(frozen=True, slots=True)
class Code:
    """TypeScript: the body of a function, or (`is_expression`) one expression."""

    path: str
    source: str
    is_expression: bool
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in which references stand for their values as text."""

    path: str
    source: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value; its strings and keys, at any depth, may hold references."""

    path: str
    value: Any
    references: tuple[Reference, ...]


Field = Code | Text | Json


@dataclass(frozen=True, slots=True)
class Duration:
    """Milliseconds, or words such as "2 hours" (which may hold references)."""

    value: int | Text


def milliseconds_of(duration: Duration) -> int | None:
    """Return the milliseconds of a duration, None where references make it."""
    if isinstance(duration.value, int):
        return duration.value
    return None if duration.value.references else milliseconds(duration.value.source)


def code(path: str, source: str, *, is_expression: bool) -> Code:
    return Code(path, source, is_expression, references_in(source))


def text(path: str, source: str) -> Text:
    return Text(path, source, references_in(source))


def json_value(path: str, value: Any) -> Json:
    found = [ref for part in strings_in(value) for ref in references_in(part)]
    return Json(path, value, tuple(found))


def strings_in(value: Any) -> list[str]:
    """Return every string of a JSON value, keys among them, at any depth."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as part:
                found.append(part)
            case list() as items:
                waiting.extend(reversed(items))
            case dict() as members:
                waiting.extend(reversed([part for pair in members.items() for part in pair]))
    return found


class NotJson(ValueError):
    """The text is not JSON, also when its references are taken as values."""


def loads_with_references(source: str) -> Any:
    """Read JSON in which `{{ ref }}` may stand for a value: it becomes a string that is one reference.

    Raises NotJson.
    """
    try:
        return json.loads(
            _with_references_quoted(source),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_finite_int,
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _with_references_quoted(source: str) -> str:
    pieces: list[str] = []
    position, inside = 0, False
    for reference in references_in(source):
        before = source[position : reference.start]
        inside = inside != _turns(before)
        written = source[reference.start : reference.end]
        pieces += [before, written if inside else json.dumps(written)]
        position = reference.end
    return "".join([*pieces, source[position:]])


def _turns(part: str) -> bool:
    """Whether this part of a JSON text leads into or out of a string."""
    return part.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def _finite(written: str) -> float:
    value = float(written)
    if math.isinf(value):
        raise NotJson(f"{written[:20]} is a number too large for a program")
    return value


def _finite_int(written: str) -> int:
    _finite(written)
    return int(written)
