"""Reads JSON that people and programs write: the only reader of documents, payloads and requests."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from workflows.ir.reading.json_numbers import read_float, read_int
from workflows.ir.reading.problems import quoted


class RepeatedKey(ValueError):
    """An object has a key twice, which is a mistake. Other readers would keep only one value."""


def loads(text: str | bytes) -> Any:
    """Return the JSON value; numbers that JavaScript would change are detected, see json_numbers.

    Raises ValueError with the reason (RepeatedKey, json.JSONDecodeError), or RecursionError.
    """
    return json.loads(
        text,
        object_pairs_hook=_unique_keys,
        parse_constant=_refuse_constant,
        parse_int=read_int,
        parse_float=read_float,
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        duplicate = next(
            key for key, count in Counter(key for key, _ in pairs).items() if count > 1
        )
        raise RepeatedKey(f"an object has the key {quoted(duplicate)} twice: keep one")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value: use a number or null")
