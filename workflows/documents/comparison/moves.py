"""Which nodes have moved between two documents, and which containers have other arms."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from workflows.documents.comparison.places import ROOT, Places, RegionKey, RegionView

_LAST: Final = 1_000_000_000
_NOWHERE: Final[RegionKey] = ("", -1)

_Position = tuple[RegionKey, int, int]
"""A region after, or the region after that another one has become, and a place in it."""
_Free = dict[RegionKey, None]
"""Regions that are not matched yet, in their order."""
_Pairs = Iterable[tuple[RegionKey, RegionKey]]


@dataclass(frozen=True, slots=True)
class _Side:
    """One document: `lines` are the regions after that its regions have become, by their keys.

    `names` are the ids on the other side, and `others` the ids there of the nodes in each line.
    """

    places: Places
    lines: Mapping[RegionKey, RegionKey]
    names: Mapping[str, str]
    others: Mapping[RegionKey, Sequence[str]]

    def positions(self) -> dict[str, _Position]:
        """Return where each node is. Nodes in regions that the other side lacks have no place."""
        hosts = self.hosts()
        found: dict[str, _Position] = {}
        for key, view in self.places.regions.items():
            line, at = hosts.get(key, (self.lines.get(key, _NOWHERE), None))
            for index, id_ in enumerate(view.node_ids):
                found[id_] = (line, index, 0) if at is None else (line, at, index + 1)
        return found

    def hosts(self) -> dict[RegionKey, tuple[RegionKey, int]]:
        """Return the lines of shared regions that are part of another region on the other side.

        It is the end of an arm that leads to the shared region, or what follows the container.
        """
        sources: dict[RegionKey, list[tuple[RegionKey, int]]] = defaultdict(list)
        regions, region_of = self.places.regions, self.places.region_of
        for key, view in regions.items():
            if view.continues_at:
                sources[region_of[view.continues_at]].append((key, _LAST))
        hosts: dict[RegionKey, tuple[RegionKey, int]] = {}
        for shared, candidates in sources.items():
            if shared in self.lines:
                continue
            ids = {self.names.get(id_) for id_ in regions[shared].node_ids}
            owner = region_of[shared[0]]
            around = (owner, regions[owner].node_ids.index(shared[0]))
            for key, at in [*candidates, around]:
                line = self.lines.get(key)
                if line is not None and not ids.isdisjoint(self.others[line]):
                    hosts.setdefault(shared, (line, at))
        return hosts

    def target(
        self, key: RegionKey, hosts: Mapping[RegionKey, tuple[RegionKey, int]]
    ) -> RegionKey | None:
        """Return the line at which an arm continues; None if what follows the container is next."""
        continues_at = self.places.regions[key].continues_at
        if not continues_at:
            return None
        shared = self.places.region_of[continues_at]
        line, at = hosts.get(shared, (self.lines.get(shared, _NOWHERE), None))
        is_part = at is not None and (at != _LAST or line == self.lines.get(key))
        return None if is_part else line

    def skips(self, key: RegionKey, hosts: Mapping[RegionKey, tuple[RegionKey, int]]) -> bool:
        """Whether an arm ends while others lead to what follows the container on the other side."""
        owner = key[0]
        return not self.places.regions[key].continues_at and any(
            hosts[shared][1] != _LAST for shared in self.places.keys_of[owner] if shared in hosts
        )


class Moves:
    """How the places in two documents correspond; `ids` are the ids before by those after."""

    def __init__(self, before: Places, after: Places, ids: Mapping[str, str]) -> None:
        self.before, self.after, self.ids = before, after, ids
        self._regions: dict[RegionKey, RegionKey] = {ROOT: ROOT}
        for owner, keys in after.keys_of.items():
            if owner in ids:
                self._match(before.keys_of[ids[owner]], keys)

    @cached_property
    def _sides(self) -> tuple[_Side, _Side]:
        regions, before, after = self._regions, self.before.regions, self.after.regions
        return (
            _Side(
                self.before,
                lines={old: new for new, old in regions.items()},
                names={old: new for new, old in self.ids.items()},
                others={new: after[new].node_ids for new in regions},
            ),
            _Side(
                self.after,
                lines={new: new for new in regions},
                names=self.ids,
                others={new: before[old].node_ids for new, old in regions.items()},
            ),
        )

    @cached_property
    def _hosts(self) -> tuple[Mapping[RegionKey, tuple[RegionKey, int]], ...]:
        return tuple(side.hosts() for side in self._sides)

    def moved(self) -> Iterator[str]:
        """Yield the nodes, by their id after, that are in another region or in another order.

        The nodes of a shared region stay in place if it becomes a part of a region around it or of
        an arm that leads to it, or the other way around.
        """
        earlier, later = (side.positions() for side in self._sides)
        lines: dict[RegionKey, list[str]] = defaultdict(list)
        for id_ in sorted(filter(self.ids.__contains__, later), key=later.__getitem__):
            lines[later[id_][0]].append(id_)
        for line, known in lines.items():
            old = [(earlier[self.ids[id_]], id_) for id_ in known]
            stayed = [(at[1:], id_) for at, id_ in old if at[0] == line != _NOWHERE]
            kept = set(_longest_increasing(stayed))
            yield from (id_ for id_ in known if id_ not in kept)

    def has_other_arms(self, owner: str) -> bool:
        """Whether a container has other arms, or arms in another order or that lead elsewhere.

        The labels of arms that are settings are compared as settings.
        """
        keys = self.after.keys_of[owner]
        container = self.after.ir.nodes[owner].type.container
        if container is not None and container.labels is None:
            old = _arms(self.before, self.before.keys_of[self.ids[owner]])
            if old != _arms(self.after, keys, self._regions):
                return True
        (first, second), (old_hosts, new_hosts) = self._sides, self._hosts
        return any(
            first.target(old_key, old_hosts) != second.target(key, new_hosts)
            or first.skips(old_key, old_hosts) != second.skips(key, new_hosts)
            for key in keys
            if (old_key := self._regions.get(key)) is not None
        )

    def _match(self, old: Sequence[RegionKey], new: Sequence[RegionKey]) -> None:
        """Match regions of a container: by unique labels, then by their nodes, then by their order."""
        before, after = self.before.regions, self.after.regions
        for is_shared in (False, True):
            old_free = dict.fromkeys(key for key in old if before[key].is_shared == is_shared)
            new_free = dict.fromkeys(key for key in new if after[key].is_shared == is_shared)
            for find in (self._by_label, self._by_nodes, _by_order):
                if is_shared and find == _by_order:
                    continue
                for old_key, new_key in list(find(old_free, new_free)):
                    if old_key in old_free and new_key in new_free:
                        self._regions[new_key] = old_key
                        del old_free[old_key], new_free[new_key]

    def _by_label(self, old: _Free, new: _Free) -> _Pairs:
        first = _unique_labels(self.before.regions, old)
        second = _unique_labels(self.after.regions, new)
        return [(first[label], second[label]) for label in first if label in second]

    def _by_nodes(self, _old: _Free, new: _Free) -> _Pairs:
        """Return pairs of regions, those with the most nodes in common and the nearest indices first."""
        common: Counter[tuple[RegionKey, RegionKey]] = Counter()
        for key in new:
            for id_ in self.after.regions[key].node_ids:
                if id_ in self.ids:
                    common[self.before.region_of[self.ids[id_]], key] += 1
        return sorted(common, key=lambda pair: (-common[pair], abs(pair[0][1] - pair[1][1])))


def _by_order(old: _Free, new: _Free) -> _Pairs:
    return zip(old, new, strict=False)


def _unique_labels(regions: Mapping[RegionKey, RegionView], keys: _Free) -> dict[str, RegionKey]:
    counts = Counter(regions[key].label for key in keys)
    return {label: key for key in keys if (label := regions[key].label) and counts[label] == 1}


def _arms(
    places: Places, keys: Iterable[RegionKey], names: Mapping[RegionKey, RegionKey] | None = None
) -> list[tuple[RegionKey | None, str]]:
    """Return the arms of a container, without shared regions, with their labels."""
    views = [(key, places.regions[key]) for key in keys]
    return [
        (key if names is None else names.get(key), view.label)
        for key, view in views
        if not view.is_shared
    ]


def _longest_increasing(items: Sequence[tuple[tuple[int, int], str]]) -> list[str]:
    """Return the ids of the most items whose places increase."""
    lasts: list[tuple[int, int]] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, (place, _) in enumerate(items):
        length = bisect_left(lasts, place)
        previous.append(ends[length - 1] if length else -1)
        lasts[length : length + 1] = [place]
        ends[length : length + 1] = [index]
    found: list[str] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(items[at][1])
        at = previous[at]
    return found
