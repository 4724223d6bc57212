"""Settings as TypeScript: code byte for byte, text as template literals, JSON as literals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.cursor import Cursor
from workflows.codegen.text.literals import escaped, literal
from workflows.codegen.text.writer import Mapped, Piece
from workflows.ir.reading.fields import Json, Text
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.references import Reference, references_in, unescaped

Resolve = Callable[[Reference], str]
Embed = Callable[[Piece, Reference], list[Piece]]  # a value inside text, from the value itself


def access(path: tuple[str | int, ...]) -> str:
    """Return the property accesses of a path: `.list[0]["first-name"]`."""
    return "".join(_access(part) for part in path)


def _access(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if is_identifier(part) else f"[{literal(part)}]"


def code_pieces(syntax: Syntax, resolve: Resolve) -> list[Piece]:
    """Return a user's code unchanged, except for its references."""
    code, source = syntax.code, syntax.without_imports
    if not code.references:
        return [Mapped(source, code.path, 1, 1)] if source else []
    parts: list[tuple[int, str]] = []
    position = 0
    for reference in code.references:
        parts.append((position, source[position : reference.start]))
        parts.append((reference.start, resolve(reference)))
        position = reference.end
    parts.append((position, source[position:]))
    cursor = Cursor(code.source)
    return [Mapped(text, code.path, *cursor.at(start)) for start, text in parts if text]


def text_pieces(
    field: Text, resolve: Resolve, embed: Embed, *, is_text: bool = False
) -> list[Piece]:
    """Return text as a string, a template literal, or the value of a single reference.

    With `is_text` a single reference becomes text too.
    """
    if not field.references:
        return [literal(unescaped(field.source))]
    return _template(field, field.source, resolve, embed, is_text=is_text)


def _template(
    field: Text | Json, source: str, resolve: Resolve, embed: Embed, *, is_text: bool = False
) -> list[Piece]:
    """Return a template literal; a single reference keeps its value's type unless `is_text`."""
    references = references_in(source)
    if not references:
        return [literal(unescaped(source))]
    values = list(_resolved(field, source, resolve))
    is_alone = (references[0].start, references[0].end) == (0, len(source))
    if is_alone:
        return embed(values[0], references[0]) if is_text else [values[0]]
    pieces: list[Piece] = ["`"]
    position = 0
    for reference, value in zip(references, values, strict=True):
        text = escaped(unescaped(source[position : reference.start]))
        pieces += [text, "${", *embed(value, reference), "}"]
        position = reference.end
    return [*pieces, escaped(unescaped(source[position:])), "`"]


def _resolved(field: Text | Json, source: str, resolve: Resolve) -> Iterator[Piece]:
    cursor = Cursor(source)
    for reference in references_in(source):
        line, column = cursor.at(reference.start)
        is_text = isinstance(field, Text)
        yield Mapped(resolve(reference), field.path, line if is_text else 1, column)


def json_pieces(field: Json, resolve: Resolve, embed: Embed) -> list[Piece]:
    """Return a JSON value as a literal on one line."""
    return _json(field, field.value, resolve, embed)


def _json(field: Json, value: Any, resolve: Resolve, embed: Embed) -> list[Piece]:
    match value:
        case str():
            return _template(field, value, resolve, embed)
        case dict():
            members = [
                [*_key(field, key, resolve, embed), ": ", *_json(field, inner, resolve, embed)]
                for key, inner in value.items()
            ]
            return ["{ ", *_joined(members), " }"] if members else ["{}"]
        case list():
            return ["[", *_joined([_json(field, inner, resolve, embed) for inner in value]), "]"]
        case None:
            return ["null"]
        case bool():
            return ["true" if value else "false"]
        case _:
            return [repr(value)]


def _key(field: Json, key: str, resolve: Resolve, embed: Embed) -> list[Piece]:
    if key == "__proto__":  # a plain key would set the prototype
        return ['["__proto__"]']
    if references_in(key):
        return ["[", *_template(field, key, resolve, embed, is_text=True), "]"]
    name = unescaped(key)
    return [name if is_identifier(name) else literal(name)]


def _joined(items: list[list[Piece]]) -> list[Piece]:
    pieces: list[Piece] = []
    for index, item in enumerate(items):
        pieces += [", ", *item] if index else item
    return pieces
