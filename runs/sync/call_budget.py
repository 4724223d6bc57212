"""How many calls about runs an account gets: a part of what Cloudflare allows to all tools of a user.

Each use has a share of its own, so that none of them can starve another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from django.db import transaction

from runs.models import CallCount
from targets.cloudflare.account import Account

WINDOW: Final = 300.0  # seconds
MOST: Final = 900  # calls of the window after which the poller rests: Cloudflare stops at 1,200
_BUCKET: Final = 30.0  # seconds that are counted as one
_EASY: Final = 0.5  # of a share, from which on calls become rarer


class Use(StrEnum):
    """What a call is for. Pages, commands and changes are counted and never refused: people wait for them.

    `READS` follow runs that go on, `STEPS` read those that have ended or were never read.
    """

    WATCHED = "watched"
    LISTS = "lists"
    READS = "reads"
    STEPS = "steps"
    PAGES = "pages"

    @property
    def share(self) -> int:
        """How many calls of the window it has; those of the poller are 600 together."""
        return _SHARES[self]


_SHARES: Final = {
    Use.WATCHED: 180,
    Use.LISTS: 140,
    Use.READS: 120,
    Use.STEPS: 160,
    Use.PAGES: MOST,
}


def counted(account: Account, calls: int = 1) -> Account:
    """Return the account for calls that a person waits for, which are counted here."""
    Budget(account.account_id).spend(Use.PAGES, calls)
    return account


class Budget:
    """The calls of the last five minutes to one account, counted by all processes together."""

    def __init__(self, account_id: str, clock: Callable[[], float] = time.time) -> None:
        self._account_id = account_id
        self._clock = clock

    @property
    def used(self) -> int:
        """The calls in the window, of all uses."""
        return sum(self._spent().values())

    def allows(self, use: Use) -> bool:
        """Tell whether a call may be made now."""
        spent = self._spent()
        return spent.get(use, 0) < use.share and sum(spent.values()) < MOST

    def stretched(self, use: Use, seconds: float) -> float:
        """Return how long to wait instead, so that the share lasts: twice as long per eighth of it."""
        over = self._spent().get(use, 0) / use.share - _EASY
        return float(seconds * 2 ** max(over * 8, 0))

    @transaction.atomic
    def spend(self, use: Use, calls: int = 1) -> None:
        """Count calls; those that left the window are forgotten."""
        mine = CallCount.objects.select_for_update()
        row, _ = mine.get_or_create(account_id=self._account_id)
        now = str(self._bucket())
        kept = {at: uses for at, uses in row.buckets.items() if int(at) >= self._oldest()}
        uses = kept.setdefault(now, {})
        uses[use.value] = uses.get(use.value, 0) + calls
        row.buckets = kept
        row.save(update_fields=["buckets"])

    def _spent(self) -> Mapping[str, int]:
        """Return the calls of the window by their use."""
        mine = CallCount.objects.filter(account_id=self._account_id)
        buckets = mine.values_list("buckets", flat=True).first() or {}
        spent: dict[str, int] = {}
        for at, uses in buckets.items():
            for use, calls in uses.items() if int(at) >= self._oldest() else ():
                spent[use] = spent.get(use, 0) + calls
        return spent

    def _bucket(self) -> int:
        return int(self._clock() // _BUCKET)

    def _oldest(self) -> int:
        return int((self._clock() - WINDOW) // _BUCKET)
