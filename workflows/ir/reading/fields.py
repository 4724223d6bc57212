"""Settings that hold user input: code, text and JSON, each with its references."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from workflows.ir.reading import json_reader
from workflows.ir.reading.code_references import references_in_code
from workflows.ir.reading.durations import milliseconds
from workflows.ir.reading.references import Reference, references_in


@dataclass(frozen=True, slots=True)
class Code:
    """TypeScript: a function body, or a single expression (`is_expression`).

    `quoted` is what looks like a reference but is in a string or a comment, and means itself.
    `parameters` are names that only this code can use; it becomes a function of its own.
    """

    path: str
    source: str
    is_expression: bool
    references: tuple[Reference, ...]
    quoted: tuple[Reference, ...] = ()
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Text; its references are replaced by their values as text."""

    path: str
    source: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value; strings and keys at any depth may hold references."""

    path: str
    value: Any
    references: tuple[Reference, ...]


Field = Code | Text | Json


@dataclass(frozen=True, slots=True)
class Duration:
    """Milliseconds, or text such as "2 hours", which may hold references."""

    value: int | Text


def milliseconds_of(duration: Duration) -> int | None:
    """Return the length of a duration, or None if it depends on references."""
    if isinstance(duration.value, int):
        return duration.value
    return None if duration.value.references else milliseconds(duration.value.source)


def raw_duration(duration: Duration) -> int | str:
    """Return a duration as a document writes it."""
    return duration.value if isinstance(duration.value, int) else duration.value.source


def code(path: str, source: str, *, is_expression: bool, parameters: tuple[str, ...] = ()) -> Code:
    """Return code with its references."""
    references, in_text = references_in_code(source)
    return Code(path, source, is_expression, references, in_text, parameters)


def parameters_of(field: Field) -> tuple[str, ...]:
    """Return the names that only this field can use."""
    return field.parameters if isinstance(field, Code) else ()


def text(path: str, source: str) -> Text:
    """Return text with its references."""
    return Text(path, source, references_in(source))


def json_value(path: str, value: Any) -> Json:
    """Return a JSON value with its references."""
    references = [reference for part in strings_in(value) for reference in references_in(part)]
    return Json(path, value, tuple(references))


def strings_in(value: Any) -> list[str]:
    """Return every string in a JSON value, including keys, at any depth."""
    strings: list[str] = []
    stack = [value]
    while stack:
        match stack.pop():
            case str() as string:
                strings.append(string)
            case list() as items:
                stack.extend(reversed(items))
            case dict() as members:
                stack.extend(reversed([part for pair in members.items() for part in pair]))
    return strings


class NotJson(ValueError):
    """The text is not JSON, even with its references as values."""


class RepeatedKey(NotJson):
    """The text would be JSON if no object had a key twice."""


def loads_with_references(source: str) -> Any:
    """Parse JSON in which `{{ ref }}` may take the place of a value; it becomes a string.

    Raises NotJson if it is not JSON even then.
    """
    try:
        return json_reader.loads(_with_references_quoted(source))
    except json_reader.RepeatedKey as error:
        raise RepeatedKey(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _with_references_quoted(source: str) -> str:
    pieces: list[str] = []
    position, in_string = 0, False
    for reference in references_in(source):
        before = source[position : reference.start]
        in_string = in_string != _has_odd_quotes(before)
        text = source[reference.start : reference.end]
        pieces += [before, text if in_string else json.dumps(text)]
        position = reference.end
    return "".join([*pieces, source[position:]])


def _has_odd_quotes(part: str) -> bool:
    """Whether this part of a JSON text opens or closes a string."""
    return part.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1
