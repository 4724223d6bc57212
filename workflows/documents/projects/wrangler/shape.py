"""Checks the keys and types of a configuration; what remains can be read without further checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.key import Key, Kind, Use
from workflows.documents.projects.wrangler.keys import KEYS, ROUTE_KEYS
from workflows.documents.projects.wrangler.source import Source, shown_key
from workflows.ir.reading.problems import listed, quoted

_REMOVED: Final = {
    "legacy_env": "is no longer part of wrangler: remove it",
    "node_compat": "is no longer part of wrangler: add nodejs_compat to compatibility_flags instead",
    "usage_model": "is no longer part of wrangler: remove it",
    "type": "is no longer part of wrangler: remove it",
    "webpack_config": "is no longer part of wrangler: remove it",
    "zone_id": "is no longer part of wrangler: write zone_name in each route",
}
_BAD: Final = object()


def checked(source: Source, keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return the values that are read, without those that have a problem."""
    return _object(source, (), source.data, keys)


def _object(
    source: Source, path: Path, value: Mapping[str, Any], keys: Mapping[str, Key]
) -> dict[str, Any]:
    kept = {}
    for name, item in value.items():
        key = keys.get(name)
        if key is None:
            _report_unknown(source, (*path, name), keys)
            continue
        usable = _value(source, (*path, name), item, key)
        if usable is not _BAD:
            kept[name] = usable
    for name, key in keys.items():
        if key.required and name not in value:
            source.problem((*path, name), f"is missing: write {key.about or key.kind}")
    return kept


def _report_unknown(source: Source, path: Path, keys: Mapping[str, Key]) -> None:
    if source.is_full:
        return  # it takes long to find similar keys
    name = str(path[-1])
    if len(path) > 1 and name in KEYS:
        source.problem(path, _misplaced(source, path))
        return
    message = _REMOVED.get(name) if len(path) == 1 else None
    near = get_close_matches(name[:64], keys, n=1)
    hint = f"did you mean {near[0]}?" if near else "check the spelling, or remove it"
    source.problem(path, message or f"is not a key that wrangler knows here: {hint}")


def _misplaced(source: Source, path: Path) -> str:
    """Return what to do with a key of the top level; in TOML, it is part of the section above it."""
    way = f"move it out of {shown_key(path[:-1])}"
    if source.file.endswith(".toml"):
        way = "move it above the first line that starts with a bracket"
    return f"belongs to the top level of the file: {way}"


def _value(source: Source, path: Path, value: Any, key: Key) -> Any:
    """Return the value, or _BAD if it is not read."""
    if key.use is Use.REFUSED:
        if not _is_empty(value):
            source.problem(path, key.about)
        return _BAD
    usable = _typed(source, path, value, key)
    if key.use is Use.MANAGED and key.about:
        source.note(path, key.about)
    return usable


def _is_empty(value: Any) -> bool:
    """Whether a value has no effect: empty, false, or an object of empty values."""
    if isinstance(value, Mapping):
        return all(item in ([], {}, None, False, "") for item in value.values())
    return value in ([], None, False, "")


def _typed(source: Source, path: Path, value: Any, key: Key) -> Any:
    is_kind = _IS_KIND[key.kind]
    if not is_kind(value):
        source.problem(path, f"must be {key.kind}, not {quoted(value)}")
        return _BAD
    if key.options and value not in key.options:
        source.problem(path, f"must be one of {listed(key.options)}, not {quoted(value)}")
        return _BAD
    if key.kind is Kind.OBJECT:
        return _object(source, path, value, key.members)
    if key.kind is Kind.OBJECTS:
        return _objects(source, path, value, key.members)
    if key.kind is Kind.ROUTES:
        return [_route(source, (*path, index), item) for index, item in enumerate(value)]
    return _route(source, path, value) if key.kind is Kind.ROUTE else _plain_number(value)


def _plain_number(value: Any) -> Any:
    """Return a whole number that is written as 10.0 as JavaScript reads it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _objects(
    source: Source, path: Path, items: list[Any], members: Mapping[str, Key]
) -> list[dict[str, Any]]:
    """Return an object for each item, so that each keeps its index."""
    kept = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            kept.append(_object(source, (*path, index), item, members))
        else:
            source.problem((*path, index), f"must be an object, not {quoted(item)}")
            kept.append({})
    return kept


def _route(source: Source, path: Path, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _object(source, path, value, ROUTE_KEYS)
    source.problem(path, f"must be text or an object, not {quoted(value)}")
    return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


_IS_KIND: Final[Mapping[Kind, Callable[[Any], bool]]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.NUMBER: _is_number,
    Kind.TEXTS: _is_texts,
    Kind.TEXT_OR_TEXTS: lambda value: isinstance(value, str) or _is_texts(value),
    Kind.NUMBER_OR_NULL: lambda value: value is None or _is_number(value),
    Kind.NUMBER_OR_TEXT: lambda value: isinstance(value, str) or _is_number(value),
    Kind.TEXT_MAP: _is_text_map,
    Kind.VALUES: lambda value: isinstance(value, dict),
    Kind.OBJECT: lambda value: isinstance(value, dict),
    Kind.OBJECTS: lambda value: isinstance(value, list),
    Kind.ROUTE: lambda value: isinstance(value, str | dict),
    Kind.ROUTES: lambda value: isinstance(value, list),
    Kind.ANY: lambda value: True,
}
