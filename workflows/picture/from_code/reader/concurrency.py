"""Finds what runs at the same time: work that is started in one place and awaited in a later one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.picture.from_code.items import SEQUENCE, Arm, Await, Entry, Item, Place

_WORDS: Final = {
    "all": "waits for all",
    "allSettled": "waits for all, also failed ones",
    "race": "the first to end decides",
    "any": "the first to succeed decides",
}
_RACES: Final = frozenset({"race", "any"})


@dataclass(slots=True)
class Region:
    """Items in order, with the promises that nothing in it awaits, and those of others that it awaits."""

    items: list[Item]
    tokens: set[int]
    awaits: set[int]


def arrange(entries: Sequence[Entry]) -> Region:
    """Return the entries with a container around those that run at the same time."""
    own = {token for entry in entries if isinstance(entry, Item) for token in entry.tokens}
    awaited = [token for entry in entries for token in _awaited(entry)]
    items = list(_arranged(entries))
    pending = {token for item in items for token in item.tokens}
    return Region(items, pending - set(awaited), set(awaited) - own)


def _awaited(entry: Entry) -> Iterator[int]:
    yield from entry.tokens if isinstance(entry, Await) else entry.awaits


def _arranged(entries: Sequence[Entry]) -> Iterator[Item]:
    ends = _ends(entries)
    at = 0
    while at < len(entries):
        entry = entries[at]
        if isinstance(entry, Item):
            end = _last(at, ends)
            yield from _group(entries, at, end, ends)
            at = max(end, at + 1)
        else:
            at += 1


def _ends(entries: Sequence[Entry]) -> list[int]:
    """Return for each entry the index of the one that waits for its end: itself if none does."""
    waits: dict[int, int] = {}
    for at, entry in enumerate(entries):
        for token in _awaited(entry):
            waits.setdefault(token, at)
    ends = []
    for at, entry in enumerate(entries):
        tokens = entry.tokens if isinstance(entry, Item) else ()
        later = (waits[token] for token in tokens if waits.get(token, -1) > at)
        ends.append(max(later, default=at))
    return ends


def _last(start: int, ends: Sequence[int]) -> int:
    """Return where everything that has been started between here and there has ended."""
    at, end = start, ends[start]
    while at < end:
        end = max(end, ends[at])
        at += 1
    return end


def _group(entries: Sequence[Entry], start: int, end: int, ends: Sequence[int]) -> Iterator[Item]:
    """Yield one item or, if several run at the same time, a container for them."""
    arms: list[list[Item]] = []
    own: list[Item] = []
    for at in range(start, max(end, start + 1)):
        entry = entries[at]
        if not isinstance(entry, Item):
            continue
        if ends[at] > at or (entry.tokens and end > start):
            arms.append(list(unpacked(entry)))
        else:
            own += unpacked(entry)
    if own:
        arms.append(own)
    last = entries[end]
    how = last.how if isinstance(last, Await) else ""
    if len(arms) == 1:
        yield from _single(arms[0], how, last)
    elif arms:
        yield container(how, arms, last.place)


def _single(items: list[Item], how: str, last: Entry) -> Iterator[Item]:
    for item in items:
        if how and item.kind == "each_at_once" and isinstance(last, Await):
            item.about = f"Promise.{how}: {_WORDS[how]}"
        yield item


def container(how: str, arms: Sequence[list[Item]], place: Place) -> Item:
    """Return a container whose arms run at the same time."""
    awaits = {token for arm in arms for item in arm for token in item.awaits}
    return Item(
        kind="race" if how in _RACES else "parallel",
        name=f"Promise.{how}" if how else "At the same time",
        about=_WORDS.get(how, ""),
        place=place if how else arms[0][0].place,
        arms=[Arm(label="", items=arm) for arm in arms],
        awaits=awaits,
    )


def unpacked(item: Item) -> Iterator[Item]:
    """Yield the items of a sequence, or the item itself."""
    if item.kind != SEQUENCE:
        yield item
        return
    for arm in item.arms:
        for inner in arm.items:
            yield from unpacked(inner)
