"""The budget of API calls about runs for each account: a part of Cloudflare's rate limit.

Each use has its own share, so that no use can starve another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Final

from django.db import transaction

from runs.models import CallCount
from targets.cloudflare.account import Account

WINDOW: Final = 300.0  # seconds
MAX_CALLS: Final = 900  # calls per window before the poller pauses; Cloudflare's limit is 1,200
_BUCKET: Final = 30.0  # seconds
_SLOWDOWN_AT: Final = 0.5  # used part of a share from which calls slow down


class Use(StrEnum):
    """What a call is for. Calls for PAGES are counted but always allowed, because users are waiting.

    READS check open runs; STEPS read runs that have ended or were never read.
    """

    WATCHED = "watched"
    LISTS = "lists"
    READS = "reads"
    STEPS = "steps"
    PAGES = "pages"

    @property
    def share(self) -> int:
        """Calls per window; the shares of the poller add up to 600."""
        return _SHARES[self]


_SHARES: Final = {
    Use.WATCHED: 180,
    Use.LISTS: 140,
    Use.READS: 120,
    Use.STEPS: 160,
    Use.PAGES: MAX_CALLS,
}


def counted(account: Account, calls: int = 1) -> Account:
    """Count calls that a person waits for, and return the account to make them with."""
    Budget(account.account_id).spend(Use.PAGES, calls)
    return account


def calls_by_account(account_ids: Collection[str]) -> dict[str, Mapping[str, int]]:
    """Return the calls to each account in the last five minutes, by use, with one query."""
    rows = CallCount.objects.filter(account_id__in=account_ids)
    oldest = _oldest_bucket(time.time())
    return {
        account_id: _spent_since(buckets, oldest)
        for account_id, buckets in rows.values_list("account_id", "buckets")
    }


def _oldest_bucket(now: float) -> int:
    return int((now - WINDOW) // _BUCKET)


def _spent_since(buckets: Mapping[str, Mapping[str, int]], oldest: int) -> Mapping[str, int]:
    spent: dict[str, int] = {}
    for at, uses in buckets.items():
        for use, calls in uses.items() if int(at) >= oldest else ():
            spent[use] = spent.get(use, 0) + calls
    return spent


class Budget:
    """The calls to one account in the last five minutes, across all processes."""

    def __init__(self, account_id: str, clock: Callable[[], float] = time.time) -> None:
        self._account_id = account_id
        self._clock = clock

    @property
    def used(self) -> int:
        """The calls in the window, for all uses."""
        return sum(self._spent().values())

    def spent_on(self, use: Use) -> int:
        """Return the calls in the window for one use."""
        return self._spent().get(use, 0)

    def allows(self, use: Use) -> bool:
        """Return whether a call may be made now."""
        spent = self._spent()
        return spent.get(use, 0) < use.share and sum(spent.values()) < MAX_CALLS

    def stretched(self, use: Use, seconds: float) -> float:
        """Return a longer wait when the share runs low: doubled for each further eighth that is used."""
        excess = self._spent().get(use, 0) / use.share - _SLOWDOWN_AT
        return float(seconds * 2 ** max(excess * 8, 0))

    @transaction.atomic
    def spend(self, use: Use, calls: int = 1) -> None:
        """Count calls, and delete the counts that have left the window."""
        counts = CallCount.objects.select_for_update()
        row, _ = counts.get_or_create(account_id=self._account_id)
        now = str(self._bucket())
        kept = {at: uses for at, uses in row.buckets.items() if int(at) >= self._oldest()}
        uses = kept.setdefault(now, {})
        uses[use.value] = uses.get(use.value, 0) + calls
        row.buckets = kept
        row.save(update_fields=["buckets"])

    def _spent(self) -> Mapping[str, int]:
        """Return the calls in the window by use."""
        rows = CallCount.objects.filter(account_id=self._account_id)
        buckets = rows.values_list("buckets", flat=True).first() or {}
        return _spent_since(buckets, self._oldest())

    def _bucket(self) -> int:
        return int(self._clock() // _BUCKET)

    def _oldest(self) -> int:
        return _oldest_bucket(self._clock())
