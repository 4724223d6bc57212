"""The nodes that differ between two documents, by their ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from workflows.documents.comparison.content import Content, JsonObject
from workflows.documents.comparison.hidden import OF_NODES, without
from workflows.documents.comparison.moves import Moves
from workflows.documents.comparison.places import in_order
from workflows.documents.comparison.values import FieldChange, field_changes, label_in

_SETTINGS: Final = ("type", "version", "provider", "data", "config")
_NAMES: Final = ("id", "name")
_ARMS: Final = "arms"


class Kind(StrEnum):
    """What has happened to a node; a node can be renamed, changed and moved."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """A node that differs; `id` and `old_id` are "" if the node is only on one side.

    `place` and `old_place` describe where a node is that was added, removed or moved.
    """

    id: str
    old_id: str
    name: str
    type_title: str
    fields: tuple[FieldChange, ...]
    is_moved: bool = False
    place: str = ""
    old_place: str = ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        if not self.old_id or not self.id:
            return (Kind.REMOVED if self.old_id else Kind.ADDED,)
        is_named = [field.path in _NAMES for field in self.fields]
        found = {Kind.CHANGED: not all(is_named), Kind.RENAMED: any(is_named)}
        found[Kind.MOVED] = self.is_moved
        return tuple(kind for kind, is_so in found.items() if is_so)


def compare_nodes(before: Content, after: Content) -> list[NodeChange]:
    """Return the nodes that differ, in the order of the newer document."""
    ids = same_nodes(before, after)
    moves = None
    if before.places and after.places:
        moves = Moves(before.places, after.places, ids)
    moved = frozenset(moves.moved()) if moves else frozenset()
    return [
        change
        for id_, old_id in _listed(before, after, ids)
        if (change := _change(before, after, (id_, old_id), moves, is_moved=id_ in moved))
    ]


def _listed(before: Content, after: Content, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the ids of each node after and before; removed nodes follow the node before them."""
    gone: dict[str, list[str]] = defaultdict(list)
    known, last = set(ids.values()), ""
    for old_id in _ordered(before):
        if old_id in known:
            last = old_id
        else:
            gone[last].append(old_id)
    yield from (("", old_id) for old_id in gone[""])
    for id_ in _ordered(after):
        old_id = ids.get(id_, "")
        yield id_, old_id
        if old_id:
            yield from (("", each) for each in gone[old_id])


def _ordered(content: Content) -> list[str]:
    return list(in_order(content.draft)) if content.draft else list(content.items)


def _change(
    before: Content,
    after: Content,
    ids: tuple[str, str],
    moves: Moves | None,
    *,
    is_moved: bool,
) -> NodeChange | None:
    """Compare a node with the ids after and before; None if nothing differs."""
    id_, old_id = ids
    shown, shown_id = (after, id_) if id_ else (before, old_id)
    fields = tuple(_fields(before, after, ids, moves))
    if id_ and old_id and not fields and not is_moved:
        return None
    type_ = shown.type_of(shown_id)
    is_placed = not (id_ and old_id) or is_moved
    return NodeChange(
        id=id_,
        old_id=old_id,
        name=shown.name(shown_id),
        type_title=type_.title if type_ else str(shown.items[shown_id].get("type")),
        fields=fields,
        is_moved=is_moved,
        place=after.places.words(id_) if is_placed and id_ and after.places else "",
        old_place=before.places.words(old_id) if is_placed and old_id and before.places else "",
    )


def _fields(
    before: Content, after: Content, ids: tuple[str, str], moves: Moves | None
) -> Iterator[FieldChange]:
    id_, old_id = ids
    old, new = (
        without(items.get(each, {}), OF_NODES)
        for items, each in ((before.items, old_id), (after.items, id_))
    )
    type_ = after.type_of(id_) if id_ else before.type_of(old_id)
    yield from field_changes(old, new, "", label_in(type_.fields if type_ else ()))
    if moves and id_ and old_id and moves.has_other_arms(id_):
        yield FieldChange(
            path=_ARMS,
            label="Arms",
            before=moves.before.arms_text(old_id),
            after=moves.after.arms_text(id_),
        )


def same_nodes(before: Content, after: Content) -> dict[str, str]:
    """Return the ids before by those after: the same ids, and those of nodes whose id has changed.

    The id has changed if a node with the same settings has the same name or is in the same
    container, or if a node with the same type and name is in the same container.
    """
    ids = {id_: id_ for id_ in after.items if id_ in before.items}
    for key_of in (
        lambda each, id_: (_settings(each, id_), each.name(id_), each.owner(id_)),
        lambda each, id_: (_settings(each, id_), each.name(id_)),
        lambda each, id_: (_settings(each, id_), each.owner(id_)),
        lambda each, id_: (each.items[id_].get("type"), each.name(id_), each.owner(id_)),
    ):
        ids |= _pairs(before, after, ids, key_of)
    return ids


_KeyOf = Callable[[Content, str], tuple[Any, ...]]


def _pairs(
    before: Content, after: Content, ids: Mapping[str, str], key_of: _KeyOf
) -> dict[str, str]:
    """Match the nodes that are only on one side by a key, in their order."""
    known = set(ids.values())
    free: dict[str, list[str]] = defaultdict(list)
    for old_id in before.items:
        if old_id not in known:
            free[repr(key_of(before, old_id))].append(old_id)
    found = {}
    for id_ in after.items if free else ():
        same = free.get(repr(key_of(after, id_))) if id_ not in ids else None
        if same:
            found[id_] = same.pop(0)
    return found


def _settings(content: Content, id_: str) -> str:
    item: JsonObject = content.items[id_]
    return json.dumps({key: item.get(key) for key in _SETTINGS}, sort_keys=True, default=repr)
