"""Values that JSON can hold and a program cannot: numbers beyond all bounds, halves of characters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from workflows.ir.reading.problems import Problem, escape_surrogates

_COMMON: Final = frozenset({dict, list, str})
_HALF: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Place:
    """A value's way from the document, as the names on it and the node it is in."""

    path: str
    node_id: str

    def below(self, key: object) -> _Place:
        path = f"{self.path}.{key}" if self.path else str(key)
        return _Place(path, self.node_id)


def is_sound(document: object, *, depth: int) -> bool:
    """Whether no value is unusable or nests deeper: one look at each, as most documents need no more."""
    level: list[Any] = [document]
    for _ in range(depth):
        objects = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        texts = [value for value in level if type(value) is str]
        others = [value for value in level if type(value) not in _COMMON]
        if not _is_whole("".join([*texts, *chain.from_iterable(objects)])):
            return False
        if any(map(_may_hold, others)):
            return False
        level = [inner for value in objects for inner in value.values()]
        level += chain.from_iterable(lists)
        if not level:
            return True
    return False


def _is_whole(text: str) -> bool:
    return text.isascii() or _HALF.search(text) is None


def unusable_values(document: object) -> Iterator[Problem]:
    """Yield a problem for each value that nothing further on could work with."""
    waiting: list[tuple[_Place, Any]] = [(_Place("", ""), document)]
    while waiting:
        place, value = waiting.pop()
        match value:
            case dict():
                for key in (key for key in value if _HALF.search(key)):
                    yield _problem(place.below(key), "the name holds half a character: remove it")
                inner = [(place.below(key), item) for key, item in value.items()]
                waiting += reversed([pair for pair in inner if _may_hold(pair[1])])
            case list():
                inner = [(_item(place, key, item), item) for key, item in enumerate(value)]
                waiting += reversed([pair for pair in inner if _may_hold(pair[1])])
            case str():
                yield _problem(place, "holds half a character (a lone surrogate): remove it")
            case _:
                yield _problem(place, "is a number too large for a program: write a smaller one")


def _may_hold(value: object) -> bool:
    """Whether the value is unusable, or a container of others."""
    match value:
        case str():
            return not _is_whole(value)
        case bool() | None:
            return False
        case int():
            return value.bit_length() > 1023
        case float():
            return not math.isfinite(value)
    return True


def _item(place: _Place, index: int, item: object) -> _Place:
    """Name nodes and edges by their ids, as all problems do."""
    id_ = item.get("id") if isinstance(item, dict) else None
    if place.path not in ("nodes", "edges") or not isinstance(id_, str) or not id_:
        return place.below(index)
    return _Place(f"{place.path}.{id_}", id_ if place.path == "nodes" else "")


def _problem(place: _Place, message: str) -> Problem:
    return Problem(
        path=escape_surrogates(place.path),
        message=message,
        node_id=escape_surrogates(place.node_id),
    )
