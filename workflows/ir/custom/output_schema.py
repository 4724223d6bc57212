"""The `outputSchema` of a node.json, as the TypeScript type of the node's output."""

from __future__ import annotations

import json
from typing import Any, Final

from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader

ANY: Final = "any"
_DEEPEST: Final = 20
_PLAIN: Final = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "any": ANY,
}
_KINDS: Final = (*_PLAIN, "object", "array")


def read_output(definition: Reader) -> str:
    """Return the type; `any` where the definition does not say.

    The schema is one output, or the members of an object by their names.
    """
    schema = definition.child("outputSchema")
    if schema is None or not schema.value:
        return ANY
    if isinstance(schema.value.get("type"), str):
        return _output(schema, depth=0)
    return _members(schema, depth=0)


def _output(schema: Reader, *, depth: int) -> str:
    kind = schema.raw("type")
    schema.know("description")
    nullable = schema.flag("nullable", default=False)
    if kind not in _KINDS:
        schema.problem("type", f"must be one of {listed(_KINDS)}, not {quoted(kind)}")
        return ANY
    if depth > _DEEPEST:
        schema.problem("type", f"nests outputs more than {_DEEPEST} deep")
        return ANY
    type_ = _PLAIN.get(kind) or _CONTAINERS[kind](schema, depth)
    return f"{type_} | null" if nullable and type_ not in (ANY, "null") else type_


def _object(schema: Reader, depth: int) -> str:
    properties = schema.child("properties")
    return _members(properties, depth=depth) if properties else "Record<string, any>"


def _array(schema: Reader, depth: int) -> str:
    items = schema.child("items")
    return f"({_output(items, depth=depth + 1)})[]" if items else "any[]"


_CONTAINERS: Final = {"object": _object, "array": _array}


def _members(schema: Reader, *, depth: int) -> str:
    members = [
        f"{name if is_identifier(name) else json.dumps(name)}: {_output(member, depth=depth + 1)}"
        for name, member in _readers(schema)
    ]
    return f"{{ {'; '.join(members)} }}" if members else "Record<string, any>"


def _readers(schema: Reader) -> list[tuple[str, Reader]]:
    found: list[tuple[str, Any]] = [(name, schema.child(name)) for name in schema.value]
    missing = [name for name, member in found if member is None and not schema.has(name)]
    for name in missing:
        schema.problem(name, 'must be an object such as {"type": "string"}')
    return [(name, member) for name, member in found if member is not None]
