"""Removing old rows in short transactions, between which others can write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from audit import trail
from audit.trail import SYSTEM, Actor, Subject
from maintenance.models import RetentionProgress
from maintenance.retention.policies import POLICIES, Policy

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
LONGEST: Final = 0.05  # seconds that a transaction should take at most
_SHORTEST: Final = 0.02  # seconds; below this, the next batch is larger
_FIRST_SIZE: Final = 100
_SIZES: Final = (50, 2000)
_CHECK_INTERVAL: Final = 60.0  # seconds between two checks for a pass that is due
_PAUSE: Final = 0.05  # seconds, at least, in which others can write


class BatchSize:
    """How many rows to look at, so that a transaction takes neither long nor next to nothing."""

    def __init__(self) -> None:
        self.value = _FIRST_SIZE

    def adjust(self, seconds: float) -> None:
        least, most = _SIZES
        if seconds > LONGEST:
            self.value = max(self.value // 2, least)
        elif seconds < _SHORTEST:
            self.value = min(self.value * 3 // 2, most)


class Pruner:
    """Removes old rows: each call of `prune_next` is one short transaction at most.

    Only the process that polls calls it, so there is one in an installation.
    """

    def __init__(self) -> None:
        self._size = BatchSize()
        self._next_check = 0.0

    def prune_next(self) -> None:
        """Continue the pass of a policy, or begin one that is due."""
        if time.monotonic() < self._next_check:
            return
        try:
            has_worked = self._work()
        except Exception:
            logger.exception("old rows could not be removed; the next attempt is in a minute")
            has_worked = False
        if not has_worked:
            self._next_check = time.monotonic() + _CHECK_INTERVAL

    def _work(self) -> bool:
        for policy in POLICIES:
            progress = _due(policy)
            if progress is not None:
                _step(policy, progress, self._size)
                return True
        return False


def _due(policy: Policy) -> RetentionProgress | None:
    """Return the pass that the policy has not ended, or a new one if the last is a day old."""
    progress = RetentionProgress.objects.filter(pk=policy.name).first()
    if progress is None:
        return RetentionProgress.objects.create(policy=policy.name)
    if progress.ended_at is None:
        return progress
    if progress.ended_at > timezone.now() - EVERY:
        return None
    progress.cursor, progress.removed = "", 0
    progress.started_at, progress.ended_at = timezone.now(), None
    return progress


def _step(policy: Policy, progress: RetentionProgress, size: BatchSize) -> None:
    batch = policy.next_batch(progress.cursor, size.value)
    started = time.monotonic()
    with transaction.atomic():
        if batch.keys:
            progress.removed += batch.remove(batch.keys)
        progress.cursor = batch.cursor or ""
        if batch.cursor is None:
            progress.ended_at = timezone.now()
            _record(policy, progress.removed, by=SYSTEM)
        progress.save()
    if batch.keys:
        size.adjust(time.monotonic() - started)


def _record(policy: Policy, removed: int, *, by: Actor) -> None:
    if removed:
        subject = Subject("installation", name=policy.name)
        trail.record("retention applied", subject, by=by, removed=removed, days=policy.days)
        logger.info("removed %d %s, older than %d days", removed, policy.name, policy.days)


def prune_all(*, by: Actor, sleep: Callable[[float], object] = time.sleep) -> dict[str, int]:
    """Apply all policies now, and return how many rows of each were removed."""
    return {policy.name: _prune(policy, by=by, sleep=sleep) for policy in POLICIES}


def _prune(policy: Policy, *, by: Actor, sleep: Callable[[float], object]) -> int:
    """Apply a policy; what was removed is recorded even if the command is interrupted."""
    cursor: str | None = ""
    size, removed = BatchSize(), 0
    try:
        while cursor is not None:
            batch = policy.next_batch(cursor, size.value)
            cursor = batch.cursor
            if batch.keys:
                started = time.monotonic()
                removed += batch.remove(batch.keys)
                seconds = time.monotonic() - started
                size.adjust(seconds)
                sleep(max(_PAUSE, seconds))
    finally:
        _record(policy, removed, by=by)
    return removed


def count_all() -> dict[str, int]:
    """Return how many rows of each policy would be removed now."""
    return {policy.name: _count(policy) for policy in POLICIES}


def _count(policy: Policy) -> int:
    cursor: str | None = ""
    total = 0
    while cursor is not None:
        batch = policy.next_batch(cursor, _SIZES[1])
        total += batch.count(batch.keys) if batch.keys else 0
        cursor = batch.cursor
    return total
