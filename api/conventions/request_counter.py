"""Counting requests in windows of a minute, in each process, and sharing the counts.

A process adds its count to the shared one in blocks, so that most reads cost no write. The limit is
exact within one process. Each further process may admit up to a block of requests more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 60
"""Seconds."""
_BLOCKS: Final = 10
_MAX_BUCKETS: Final = 10_000

Publish = Callable[[Mapping[str, int], int], Mapping[str, int] | None]
"""Adds counts to the shared ones of a window, and returns those; None if that is not possible now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many requests of a bucket are admitted in each window; `is_exact` shares every single one."""

    bucket: str
    most: int
    is_exact: bool = False

    @property
    def block(self) -> int:
        return 1 if self.is_exact else max(1, self.most // _BLOCKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of a limit is used; `resets_in` is in seconds."""

    most: int
    used: int
    resets_in: int

    @property
    def remaining(self) -> int:
        return max(self.most - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.most


@dataclass(slots=True)
class _Count:
    shared: int = 0
    pending: int = 0

    @property
    def used(self) -> int:
        return self.shared + self.pending


class Counter:
    """The counts of one process."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, _Count] = {}

    def count(self, limits: Collection[Limit], *, now: float) -> list[Usage]:
        """Count a request, unless it exceeds one of the limits, and return the usage of each."""
        window = int(now // WINDOW)
        resets_in = WINDOW - int(now % WINDOW)
        with self._lock:
            counts = self._counts_of(limits, window)
            is_admitted = all(counts[each.bucket].used < each.most for each in limits)
            for limit in limits:
                counts[limit.bucket].pending += is_admitted
            due = {
                each.bucket: counts[each.bucket].pending
                for each in limits
                if is_admitted and counts[each.bucket].pending >= each.block
            }
            for bucket in due:
                counts[bucket].pending = 0
        self._share(due, counts, window)
        refused = 0 if is_admitted else 1
        return [
            Usage(most=each.most, used=counts[each.bucket].used + refused, resets_in=resets_in)
            for each in limits
        ]

    def _counts_of(self, limits: Collection[Limit], window: int) -> dict[str, _Count]:
        """Return the counts of the buckets; those of an earlier window are forgotten."""
        if window != self._window or len(self._counts) > _MAX_BUCKETS:
            self._window, self._counts = window, {}
        return {each.bucket: self._counts.setdefault(each.bucket, _Count()) for each in limits}

    def _share(self, due: Mapping[str, int], counts: Mapping[str, _Count], window: int) -> None:
        if not due:
            return
        shared = self._publish(due, window)
        with self._lock:
            for bucket, number in due.items():
                if shared is None:
                    counts[bucket].pending += number
                else:
                    counts[bucket].shared = max(shared[bucket], counts[bucket].shared)
