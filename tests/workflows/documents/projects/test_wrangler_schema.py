"""Every key of the schema of the pinned wrangler is treated in one known way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import pytest

from toolchain.node_tools import MODULES
from workflows.documents.projects.wrangler.key import Key, Kind, Use
from workflows.documents.projects.wrangler.keys import KEYS, ROUTE_KEYS

Schema = dict[str, Any]

_KINDS: Final[Mapping[Kind, Schema]] = {
    Kind.TEXT: {"type": "string"},
    Kind.FLAG: {"type": "boolean"},
    Kind.NUMBER: {"type": "number"},
    Kind.NUMBER_OR_NULL: {"type": ["number", "null"]},
    Kind.NUMBER_OR_TEXT: {"type": ["number", "string"]},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.TEXT_OR_TEXTS: {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    },
    Kind.TEXT_MAP: {"type": "object", "additionalProperties": {"type": "string"}},
}
_ONLY_HERE: Final = {"main", "compatibility_date"}  # wrangler requires them in a deploy


@cache
def _definitions() -> dict[str, Schema]:
    file = MODULES / "wrangler" / "config-schema.json"
    definitions: dict[str, Schema] = json.loads(file.read_text("utf-8"))["definitions"]
    return definitions


def _resolved(schema: Schema) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    return _definitions()[name] if name else schema


def _objects(schema: Schema) -> Iterator[Schema]:
    """Yield the objects that a schema allows, also as items of a list."""
    schema = _resolved(schema)
    if schema.get("type") == "array":
        yield from _objects(schema["items"])
    elif "properties" in schema:
        yield schema
    for option in schema.get("anyOf", []):
        yield from _objects(option)


def _properties(schema: Schema) -> Schema:
    return {name: part for each in _objects(schema) for name, part in each["properties"].items()}


def _pairs(
    schema: Schema, keys: Mapping[str, Key], path: str = ""
) -> Iterator[tuple[str, Schema, Key | None]]:
    """Yield each key of the schema with how it is treated; a treatment covers what is inside."""
    for name, part in _properties(schema).items():
        key = keys.get(name)
        yield path + name, part, key
        members = ROUTE_KEYS if key and key.kind in (Kind.ROUTE, Kind.ROUTES) else {}
        members = members or (key.members if key else {})
        if members:
            yield from _pairs(part, members, f"{path}{name}.")


def _root() -> Schema:
    return {"$ref": "#/definitions/RawConfig"}


def test_every_key_of_the_schema_belongs_to_one_class() -> None:
    unknown = [path for path, _, key in _pairs(_root(), KEYS) if key is None]
    assert not unknown


def test_no_key_is_known_that_the_schema_does_not_have() -> None:
    def known(keys: Mapping[str, Key], path: str = "") -> Iterator[str]:
        for name, key in keys.items():
            yield path + name
            routes = ROUTE_KEYS if key.kind in (Kind.ROUTE, Kind.ROUTES) else {}
            yield from known(routes or key.members, f"{path}{name}.")

    assert set(known(KEYS)) == {path for path, _, _ in _pairs(_root(), KEYS)}


def test_keys_have_the_types_of_the_schema() -> None:
    for path, part, key in _pairs(_root(), KEYS):
        assert key
        expected = _KINDS.get(key.kind)
        if expected:
            plain = {name: _plain(value) for name, value in _resolved(part).items()}
            assert expected.items() <= plain.items(), path
        if key.kind in (Kind.OBJECT, Kind.OBJECTS):
            assert _resolved(part).get("type", "object") == (
                "object" if key.kind is Kind.OBJECT else "array"
            ), path


def _plain(value: Any) -> Any:
    """Return a part of a schema without descriptions."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in _resolved(value).items() if name in ("type", "items")}


def test_required_keys_are_those_of_the_schema() -> None:
    for path, part, key in [("", _root(), None), *_pairs(_root(), KEYS)]:
        members = key.members if key else KEYS if not path else {}
        objects = [*_objects(part)] if members and path != "placement" else []
        for each in objects:
            required = {name for name, member in members.items() if member.required}
            assert required - _ONLY_HERE == set(each.get("required", [])), path


def test_choices_are_those_of_the_schema() -> None:
    for path, part, key in _pairs(_root(), KEYS):
        choices = _resolved(part).get("enum") or [_resolved(part).get("const")]
        if key and key.options and path != "placement.mode":
            assert [*key.options] == choices, path


@pytest.mark.parametrize("use", Use)
def test_ignored_and_refused_keys_say_why(use: Use) -> None:
    keys = {path: key for path, _, key in _pairs(_root(), KEYS) if key and key.use is use}
    assert keys
    if use is Use.REFUSED:
        assert all(key.about for key in keys.values())
    if use is Use.MANAGED:
        assert all(key.about for path, key in keys.items() if "." not in path)
