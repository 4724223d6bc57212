"""Claiming a bulk change, so that one process works on it and another can take over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template.defaultfilters import pluralize
from django.utils import timezone

from deployments.pipeline.errors import LeaseLost
from deployments.queue import leases
from runs.models import BulkChange, BulkLease

RunErrors = Sequence[dict[str, str]]  # the id of each run, and why it was not changed
_MAX_ERRORS: Final = 20
_RESTORED: Final = "The rest was not changed, because a backup was restored. It may have been changed elsewhere since."
TURN_SECONDS: Final = 20.0  # how long a change works before others get a turn


class RetryLater(Exception):
    """The target accepts no calls now; the change continues when it does."""


@dataclass(frozen=True, slots=True)
class ClaimedChange:
    """A bulk change held by this process; `is_resumed` is true after another process died."""

    change: BulkChange
    token: UUID
    is_resumed: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def is_done(self) -> bool:
        return self.change.remaining <= 0

    @property
    def may_continue(self) -> bool:
        """Whether runs and time are left. A server that is stopping waits for at most one turn."""
        return not self.is_done and time.monotonic() - self.started < TURN_SECONDS

    def count(self, *, done: int = 0, existing: RunErrors = (), refused: RunErrors = ()) -> None:
        """Add the results of some runs. Raises LeaseLost if another process has taken over."""
        change = self.change
        change.done += done
        change.existing += len(existing)
        change.failed += len(refused)
        change.errors = [*change.errors, *existing, *refused][:_MAX_ERRORS]
        counts = {"done": change.done, "existing": change.existing, "failed": change.failed}
        self._save(**counts, errors=change.errors)

    def postpone(self, until: datetime) -> NoReturn:
        """Leave the rest until the target accepts calls again. Raises RetryLater or LeaseLost."""
        self._save(waits_until=until)
        raise RetryLater

    def release(self) -> None:
        """Let another process continue the change."""
        BulkLease.objects.filter(token=self.token).delete()

    def end(self, message: str = "") -> None:
        """End the change and delete its payloads; with a message, the remaining runs have failed."""
        change = self.change
        if message:
            after = f"after {change.processed:,} run{pluralize(change.processed)}"
            change.failed += change.remaining
            change.errors = [*change.errors, {"run": after, "message": message}]
        result = {"failed": change.failed, "errors": change.errors, "starts": []}
        self._save(**result, waits_until=None, ended_at=timezone.now())
        self.release()

    @transaction.atomic
    def _save(self, **fields: Any) -> None:
        if not leases.renew(BulkLease, self.token):
            raise LeaseLost(f"{self.change} was taken over by another process")
        if fields:
            BulkChange.objects.filter(pk=self.change.pk).update(**fields)


def claim(pk: int) -> ClaimedChange | None:
    """Claim an unfinished change; None if another process is working on it or it has ended."""
    change = BulkChange.objects.filter(pk=pk, ended_at=None).select_related("by").first()
    if change is None:
        return None
    expired = BulkLease.objects.filter(change=change).first()
    if expired is not None and not leases.is_expired(expired):
        return None
    try:
        with transaction.atomic():
            if expired is not None:
                BulkLease.objects.filter(token=expired.token).delete()
            lease = leases.create_lease(BulkLease, change=change)
            BulkChange.objects.filter(pk=pk).update(waits_until=None)
    except IntegrityError:  # another process was faster
        return None
    change.refresh_from_db()
    return ClaimedChange(change, lease.token, is_resumed=expired is not None)


def end_restored() -> list[BulkChange]:
    """End the changes that a restored backup has unfinished: they may have been completed elsewhere."""
    unfinished = list(BulkChange.objects.filter(ended_at=None).order_by("pk"))
    for change in unfinished:
        BulkLease.objects.filter(change=change).delete()
        lease = leases.create_lease(BulkLease, change=change)
        ClaimedChange(change, lease.token).end(_RESTORED)
    return unfinished


def unclaimed() -> Iterator[int]:
    """Yield the ids of unfinished changes that no process is working on and that may continue now."""
    is_due = Q(waits_until=None) | Q(waits_until__lte=timezone.now())
    unfinished = BulkChange.objects.filter(is_due, ended_at=None).select_related("lease")
    for change in unfinished.defer("run_ids", "starts").order_by("pk"):
        lease = getattr(change, "lease", None)
        if lease is None or leases.is_expired(lease):
            yield change.pk
