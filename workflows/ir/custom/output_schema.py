"""Translates the `outputSchema` of a node.json to the TypeScript type of the output."""

from __future__ import annotations

import json
from typing import Final

from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader

ANY: Final = "any"
_MAX_DEPTH: Final = 20
_SIMPLE: Final = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "any": ANY,
}
_TYPES: Final = (*_SIMPLE, "object", "array")


def read_output(definition: Reader) -> str:
    """Return the type; `any` without a schema.

    The schema describes either one value, or the members of an object by name.
    """
    schema = definition.child("outputSchema")
    if schema is None or not schema.value:
        return ANY
    if isinstance(schema.value.get("type"), str):
        return _type(schema, depth=0)
    return _members(schema, depth=0)


def _type(schema: Reader, *, depth: int) -> str:
    kind = schema.raw("type")
    schema.know("description")
    nullable = schema.flag("nullable", default=False)
    if kind not in _TYPES:
        schema.problem("type", f"must be one of {listed(_TYPES)}, not {quoted(kind)}")
        return ANY
    if depth > _MAX_DEPTH:
        schema.problem("type", f"must not nest types more than {_MAX_DEPTH} levels deep")
        return ANY
    type_ = _SIMPLE.get(kind) or _CONTAINERS[kind](schema, depth)
    return f"{type_} | null" if nullable and type_ not in (ANY, "null") else type_


def _object(schema: Reader, depth: int) -> str:
    properties = schema.child("properties")
    return _members(properties, depth=depth) if properties else "Record<string, any>"


def _array(schema: Reader, depth: int) -> str:
    items = schema.child("items")
    return f"({_type(items, depth=depth + 1)})[]" if items else "any[]"


_CONTAINERS: Final = {"object": _object, "array": _array}


def _members(schema: Reader, *, depth: int) -> str:
    members = [
        f"{name if is_identifier(name) else json.dumps(name)}: {_type(member, depth=depth + 1)}"
        for name, member in _member_readers(schema)
    ]
    return f"{{ {'; '.join(members)} }}" if members else "Record<string, any>"


def _member_readers(schema: Reader) -> list[tuple[str, Reader]]:
    readers = [(name, schema.child(name)) for name in schema.value]
    for name, reader in readers:
        if reader is None and not schema.has(name):
            schema.problem(name, 'must be an object such as {"type": "string"}')
    return [(name, reader) for name, reader in readers if reader is not None]
