"""Differences between two documents, by the ids of nodes and edges, and how to apply and revert them.

A change is a JSON object:

- `part` is "nodes", "edges" or "document"; `id` is the id of the node or edge, or the name of the
  document's member;
- `before` and `after` are lists that contain the value, or are empty if there is none;
- `at` and `to` are the indices of a node or an edge in the list before and after.

A change with `order` instead means that the remaining nodes or edges have a different order: `before`
and `after` are then lists of all ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

JsonObject = dict[str, Any]
Change = dict[str, Any]

_LISTS: Final = ("nodes", "edges")
_ABSENT: Final = object()


class Conflict(Exception):
    """The document no longer has the value that the change replaces; the message names it."""


def difference(before: JsonObject, after: JsonObject) -> list[Change]:
    """Return the changes that turn one document into another."""
    changes: list[Change] = []
    for key in dict.fromkeys([*before, *after]):
        if key in _LISTS and _has_ids(before.get(key)) and _has_ids(after.get(key)):
            changes += _list_difference(key, before[key], after[key])
        elif not is_same(before.get(key, _ABSENT), after.get(key, _ABSENT)):
            changes.append(
                {
                    "part": "document",
                    "id": key,
                    "before": [before[key]] if key in before else [],
                    "after": [after[key]] if key in after else [],
                }
            )
    return changes


def _has_ids(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    ids = [item.get("id") for item in value]
    return all(isinstance(id_, str) for id_ in ids) and len(set(ids)) == len(ids)


def _list_difference(
    part: str, before: Sequence[JsonObject], after: Sequence[JsonObject]
) -> Iterator[Change]:
    old = {item["id"]: index for index, item in enumerate(before)}
    new = {item["id"]: index for index, item in enumerate(after)}
    for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
        at, to = old.get(id_), new.get(id_)
        is_kept = at is not None and to is not None and is_same(before[at], after[to])
        if not is_kept:
            yield {
                "part": part,
                "id": id_,
                "before": [] if at is None else [before[at]],
                "after": [] if to is None else [after[to]],
                "at": at,
                "to": to,
            }
    common_before = [id_ for id_ in old if id_ in new]
    common_after = [id_ for id_ in new if id_ in old]
    if common_before != common_after:
        yield {"part": part, "order": True, "before": list(old), "after": list(new)}


def is_same(first: Any, second: Any) -> bool:
    """Whether two values are the same JSON, with members in the same order; 1 is neither true nor 1.0."""
    return first is second or (first == second and repr(first) == repr(second))


def is_equal(first: Any, second: Any) -> bool:
    """Whether two values are the same JSON in any order of members; 1 is neither true nor 1.0."""
    if first is second:
        return True
    return bool(first == second) and _in_order(first) == _in_order(second)


def _in_order(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def apply(
    document: JsonObject, changes: Sequence[Change], *, backwards: bool = False
) -> JsonObject:
    """Return the document after the changes, or before them with `backwards`.

    Later changes to other members of a node are kept. Raises Conflict if the document no longer has
    the value that a change replaces.
    """
    result = dict(document)
    for part in _LISTS:
        own = [change for change in changes if change["part"] == part]
        if own:
            result[part] = _apply_to_list(document[part], own, backwards=backwards)
    for change in changes:
        if change["part"] == "document":
            _apply_to_member(result, change, backwards=backwards)
    return result


def _apply_to_member(document: JsonObject, change: Change, *, backwards: bool) -> None:
    old, new = _sides(change, backwards=backwards)
    key = change["id"]
    current = [document[key]] if key in document else []
    if not is_equal(current, old):
        raise Conflict(key)
    if new:
        document[key] = new[0]
    else:
        document.pop(key, None)


def _apply_to_list(
    items: Sequence[JsonObject], changes: Sequence[Change], *, backwards: bool
) -> list[JsonObject]:
    by_id = {item["id"]: item for item in items}
    inserted: list[tuple[int, JsonObject]] = []
    order: list[str] | None = None
    for change in changes:
        old, new = _sides(change, backwards=backwards)
        if change.get("order"):
            order = new
            continue
        id_ = change["id"]
        if bool(old) != (id_ in by_id):
            raise Conflict(id_)
        if not old:
            inserted.append((change["at" if backwards else "to"], new[0]))
        elif not new:
            if not is_equal(by_id.pop(id_), old[0]):
                raise Conflict(id_)
        else:
            by_id[id_] = _merged(by_id[id_], old[0], new[0], id_)
    result = list(by_id.values())
    for index, item in sorted(inserted, key=lambda pair: pair[0]):
        result.insert(index, item)
    return _sorted(result, order) if order else result


def _sorted(items: list[JsonObject], order: list[str]) -> list[JsonObject]:
    places = {id_: index for index, id_ in enumerate(order)}
    return sorted(items, key=lambda item: places.get(item["id"], len(places)))


def _merged(current: Any, old: Any, new: Any, id_: str) -> Any:
    """Return the current value with the new value of each member that differs between old and new."""
    if is_equal(current, old):
        return new
    if is_equal(old, new) or is_equal(current, new):
        return current
    if not (isinstance(current, dict) and isinstance(old, dict) and isinstance(new, dict)):
        raise Conflict(id_)
    merged = dict(current)
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if is_equal(before, after):
            continue
        value = _merged(current.get(key, _ABSENT), before, after, id_)
        if value is _ABSENT:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _sides(change: Change, *, backwards: bool) -> tuple[list[Any], list[Any]]:
    names = ("after", "before") if backwards else ("before", "after")
    return change[names[0]], change[names[1]]
