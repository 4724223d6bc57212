"""Values that JSON allows but a program cannot use or a database cannot store.

These are huge numbers, lone surrogates, NUL characters, and deep nesting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from workflows.ir.reading.json_numbers import is_exact
from workflows.ir.reading.problems import Problem, escape_surrogates

_COMMON: Final = frozenset({dict, list, str})
MAX_DEPTH: Final = 100  # of values in a document
_MAX_PROBLEMS: Final = 100  # a document can have a million unusable values
_MAX_BITS: Final = 1023
_INEXACT: Final = (
    "a whole number that JavaScript cannot represent exactly: write it as text, in quotes"
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_IN_HALF: Final = "a lone surrogate (half a character): remove it"
_NUL: Final = "a NUL character, which PostgreSQL cannot store: remove it"


@dataclass(frozen=True, slots=True)
class _Location:
    """Where a value is in the document: its path, and the node that it belongs to."""

    path: str
    node_id: str

    def child(self, key: object) -> _Location:
        path = f"{self.path}.{key}" if self.path else str(key)
        return _Location(path, self.node_id)


def check_values(document: object, *, max_depth: int) -> list[Problem]:
    """Return one problem if values are nested too deeply, otherwise one for each of the first unusable values."""
    if _is_usable(document, max_depth):
        return []
    if _is_deeper_than(document, max_depth):
        return [Problem(path="", message=f"must not nest values more than {max_depth} levels deep")]
    return list(islice(_unusable_values(document), _MAX_PROBLEMS))


def _is_usable(document: object, max_depth: int) -> bool:
    """Whether there is no problem, in one fast pass that is enough for most documents."""
    level: list[Any] = [document]
    for _ in range(max_depth):
        objects = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        texts = [value for value in level if type(value) is str]
        others = [value for value in level if type(value) not in _COMMON]
        if _text_problem("".join([*texts, *chain.from_iterable(objects)])):
            return False
        if any(map(_may_be_unusable, others)):
            return False
        level = [inner for value in objects for inner in value.values()]
        level += chain.from_iterable(lists)
        if not level:
            return True
    return False


def _is_deeper_than(document: object, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _text_problem(text: str) -> str:
    """Return what is in the text that cannot be stored; "" if nothing is."""
    if "\0" in text:
        return _NUL
    return _IN_HALF if not text.isascii() and _SURROGATE.search(text) else ""


def _unusable_values(document: object) -> Iterator[Problem]:
    stack: list[tuple[_Location, Any]] = [(_Location("", ""), document)]
    while stack:
        location, value = stack.pop()
        match value:
            case dict():
                for key in filter(_text_problem, value):
                    yield _problem(location.child(key), f"the key contains {_text_problem(key)}")
                children = [(location.child(key), item) for key, item in value.items()]
                stack += reversed([child for child in children if _may_be_unusable(child[1])])
            case list():
                children = [(_item(location, i, item), item) for i, item in enumerate(value)]
                stack += reversed([child for child in children if _may_be_unusable(child[1])])
            case str():
                yield _problem(location, f"contains {_text_problem(value)}")
            case int() if value.bit_length() <= _MAX_BITS:
                yield _problem(location, f"is {str(value)[:40]}, {_INEXACT}")
            case _:
                yield _problem(location, "is a number that is too large: use a smaller one")


def _may_be_unusable(value: object) -> bool:
    """Whether the value is unusable, or contains other values."""
    match value:
        case str():
            return bool(_text_problem(value))
        case bool() | None:
            return False
        case int():
            return not is_exact(value)
        case float():
            return not math.isfinite(value)
    return True


def _item(location: _Location, index: int, item: object) -> _Location:
    """Return the location of a list item; nodes and edges are named by their ids."""
    id_ = item.get("id") if isinstance(item, dict) else None
    if location.path not in ("nodes", "edges") or not isinstance(id_, str) or not id_:
        return location.child(index)
    return _Location(f"{location.path}.{id_}", id_ if location.path == "nodes" else "")


def _problem(location: _Location, message: str) -> Problem:
    path, node_id = escape_surrogates(location.path), escape_surrogates(location.node_id)
    return Problem(path=path, message=message, node_id=node_id)
