"""What is read from code, before it becomes a document: steps, and containers with arms of further items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

Pattern = tuple[str | None, ...]
"""A name of steps as its parts; None stands for any text."""

SEQUENCE: Final = "sequence"
"""Items that run one after another where a single one is expected; it never reaches a picture."""
EXITS: Final = frozenset({"return", "throw", "break", "continue"})
JUMPS: Final = frozenset({"break", "continue"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines of a file, from 1; `end_line` is the last one."""

    file: str
    line: int
    end_line: int


@dataclass(slots=True, kw_only=True)
class Item:
    """A node of the picture.

    `names` are the names of its steps, `config` is how they are written: retries, timeout, rollback.
    With `owns_returns`, a `return` in it only leaves it. `is_group` is set for a container of items that
    were started one after another, `how` is the method of `Promise` that waits for them. `tokens` are the promises of work that it starts without waiting for its end, and `awaits` those of
    other items for which something in it waits.
    """

    kind: str
    name: str
    place: Place
    about: str = ""
    arms: list[Arm] = field(default_factory=list)
    names: tuple[Pattern, ...] = ()
    config: dict[str, str] = field(default_factory=dict)
    owns_returns: bool = False
    how: str = ""
    is_group: bool = False
    tokens: set[int] = field(default_factory=set)
    awaits: set[int] = field(default_factory=set)

    @property
    def ends(self) -> bool:
        """Whether nothing after it runs, because it leaves the function or the loop on every path."""
        if self.kind in EXITS:
            return True
        if self.kind in ("branch", "switch"):
            return self.has_else and all(arm.ends for arm in self.arms)
        return self.kind == "try" and self._try_ends

    @property
    def has_else(self) -> bool:
        """Whether one of the arms always runs."""
        return any(arm.is_else for arm in self.arms)

    @property
    def _try_ends(self) -> bool:
        last = [arm for arm in self.arms if arm.label == "finally"]
        others = [arm for arm in self.arms if arm.label != "finally"]
        return any(arm.ends for arm in last) or all(arm.ends for arm in others)


@dataclass(slots=True, kw_only=True)
class Arm:
    """Items one after another; the arm `falls_to` is the index of the one that runs next, -1 for none."""

    label: str
    items: list[Item]
    is_else: bool = False
    falls_to: int = -1

    @property
    def ends(self) -> bool:
        return any(item.ends for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Waits for promises; `how` is the method of `Promise` that combines them, "" if none."""

    tokens: frozenset[int]
    how: str
    place: Place


Entry = Item | Await


def is_kept(item: Item) -> bool:
    """Return whether an item is worth drawing: a container of nothing but its own jumps is not."""
    if item.kind in ("loop", "parallel_loop"):
        return any(not _only_jumps(arm.items) for arm in item.arms)
    if item.kind in ("branch", "switch", "parallel", "race", "function", "callback"):
        return any(arm.items for arm in item.arms)
    if item.kind == "try":
        return _is_try_kept(item)
    return True


def _only_jumps(items: Iterable[Item]) -> bool:
    """Return whether items only jump in the loop around them."""
    return all(
        item.kind in JUMPS
        or (item.kind in ("branch", "switch") and all(_only_jumps(arm.items) for arm in item.arms))
        for item in items
    )


def _is_try_kept(item: Item) -> bool:
    """Return whether something happens in a `try` other than an error that is handled there."""
    tried, *others = item.arms
    return any(arm.items for arm in others) or not _only_throws(tried.items)


def _only_throws(items: Iterable[Item]) -> bool:
    return all(
        item.kind == "throw"
        or (item.kind in ("branch", "switch") and all(_only_throws(arm.items) for arm in item.arms))
        for item in items
    )


def has_return(items: Iterable[Item]) -> bool:
    """Return whether some of the items leave the function that they are in before its end."""
    return any(
        item.kind == "return"
        or (not item.owns_returns and any(has_return(arm.items) for arm in item.arms))
        for item in items
    )


def takes_steps(items: Iterable[Item]) -> bool:
    """Return whether there is more in the items than what leaves them."""
    return any(
        item.kind not in EXITS
        and (not item.arms or any(takes_steps(arm.items) for arm in item.arms))
        for item in items
    )


def has_recursion(item: Item) -> bool:
    """Return whether a function is called again inside of the item."""
    inner = (each for arm in item.arms for each in arm.items)
    return item.kind == "recursion" or any(map(has_recursion, inner))


def to_json(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Return items as JSON."""
    return [_item_json(item) for item in items]


def _item_json(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "name": item.name,
        "place": asdict(item.place),
        "about": item.about,
        "names": item.names,
        "config": item.config,
        "owns_returns": item.owns_returns,
        "arms": [
            {
                "label": arm.label,
                "items": to_json(arm.items),
                "is_else": arm.is_else,
                "falls_to": arm.falls_to,
            }
            for arm in item.arms
        ],
    }


def from_json(value: Iterable[dict[str, Any]]) -> list[Item]:
    """Return the items that `to_json` wrote."""
    return [_item(each) for each in value]


def _item(value: dict[str, Any]) -> Item:
    arms = [Arm(**{**arm, "items": from_json(arm["items"])}) for arm in value["arms"]]
    names = tuple(tuple(pattern) for pattern in value["names"])
    return Item(**{**value, "place": Place(**value["place"]), "arms": arms, "names": names})
