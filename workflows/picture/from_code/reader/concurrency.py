"""Finds what runs at the same time: work that is started in one place and awaited in a later one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.picture.from_code.items import SEQUENCE, Arm, Await, Entry, Item, Place

_WORDS: Final = {
    "all": "waits for all",
    "allSettled": "waits even if some fail",
    "race": "the first to finish decides",
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
    awaited = {token for entry in entries for token in _awaited(entry)}
    ends = _ends(entries)
    for entry in entries:
        if isinstance(entry, Item):
            entry.tokens -= awaited
    items = list(_Arrangement(entries, ends).items(0, len(entries)))
    pending = {token for item in items for token in item.tokens}
    return Region(items, pending, awaited - own)


def _awaited(entry: Entry) -> Iterator[int]:
    yield from entry.tokens if isinstance(entry, Await) else entry.awaits


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


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """Entries, with the index of the one that waits for the end of each."""

    entries: Sequence[Entry]
    ends: Sequence[int]

    def items(self, start: int, stop: int) -> Iterator[Item]:
        """Yield the items between two indices, those that run at the same time in containers."""
        at = start
        while at < stop:
            entry = self.entries[at]
            if isinstance(entry, Item) and self._is_deferred(at):
                end = min(self._last(at), stop)
                yield from self._group(at, end)
                at = end
            else:
                yield from self._single(entry, at)
                at += 1

    def _single(self, entry: Entry, at: int) -> Iterator[Item]:
        """Yield an item that nothing runs beside; a sequence that something else waits for stays one."""
        last = self.entries[self.ends[at]]
        how = last.how if isinstance(last, Await) else ""
        if isinstance(entry, Item) and entry.kind == "parallel_loop" and how:
            entry.about = f"Promise.{how}"
        if isinstance(entry, Item):
            yield from [entry] if entry.tokens else unpacked(entry)

    def _is_deferred(self, at: int) -> bool:
        """Whether other items start between the start of this one and the wait for its end."""
        between = self.entries[at + 1 : self.ends[at]]
        return any(isinstance(entry, Item) for entry in between)

    def _last(self, start: int) -> int:
        """Return where everything that has been started between here and there has ended."""
        at, end = start, self.ends[start]
        while at < end:
            end = max(end, self.ends[at])
            at += 1
        return end

    def _group(self, start: int, end: int) -> Iterator[Item]:
        """Yield a container for an item and what runs until it ends."""
        at = start
        arms: list[list[Item]] = []
        while at < end and (at == start or self.ends[at] == end):
            entry = self.entries[at]
            arms += [list(unpacked(entry))] if isinstance(entry, Item) else []
            at += 1
        last = self.entries[min(end, len(self.entries) - 1)]
        how = last.how if isinstance(last, Await) else ""
        rest = list(self.items(at, end))
        if len(rest) == 1 and rest[0].is_group and rest[0].how == how:
            arms += [arm.items for arm in rest[0].arms]
        elif rest:
            arms.append(rest)
        yield container(how, arms, last.place)


def container(how: str, arms: Sequence[list[Item]], place: Place) -> Item:
    """Return a container whose arms run at the same time."""
    awaits = {token for arm in arms for item in arm for token in item.awaits}
    return Item(
        kind="race" if how in _RACES else "parallel",
        name=f"Promise.{how}" if how else "At the same time",
        about=_WORDS.get(how, ""),
        place=place if how else arms[0][0].place,
        arms=[Arm(label="", items=arm) for arm in arms],
        how=how,
        is_group=True,
        awaits=awaits,
    )


def without_sequences(items: Iterable[Item]) -> list[Item]:
    """Return the items with their sequences taken apart, at any depth."""
    flat = [inner for item in items for inner in unpacked(item)]
    for item in flat:
        for arm in item.arms:
            arm.items = without_sequences(arm.items)
    return flat


def unpacked(item: Item) -> Iterator[Item]:
    """Yield the items of a sequence, or the item itself."""
    if item.kind != SEQUENCE:
        yield item
        return
    for arm in item.arms:
        for inner in arm.items:
            yield from unpacked(inner)
