"""Who works on a change of many runs, and that it goes on where a worker died."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from deployments import leases
from runs.models import BulkChange, BulkLease

_ERRORS: Final = 20  # refusals that are listed
_BEAT: Final = 10.0  # seconds


class Lost(Exception):
    """Another process has taken over: there is nothing left to do."""


@dataclass(frozen=True, slots=True)
class Work:
    """A change in the hands of this process, which may have taken it over from a dead one."""

    made: BulkChange
    token: UUID
    is_resumed: bool = False

    def count(self, *, done: int = 0, refused: Sequence[dict[str, str]] = ()) -> None:
        """Write what became of some runs. Raises Lost."""
        made = self.made
        made.done += done
        made.failed += len(refused)
        made.errors = [*made.errors, *refused][:_ERRORS]
        self._write(done=made.done, failed=made.failed, errors=made.errors)

    def wait(self, until: datetime) -> None:
        """Wait for the moment that the target has told, and say so meanwhile. Raises Lost."""
        self._write(waits_until=until)
        while (left := (until - timezone.now()).total_seconds()) > 0:
            time.sleep(min(left, _BEAT))
            self._write()
        self._write(waits_until=None)

    def end(self, message: str = "") -> None:
        """End it, and forget what it was to start; what was not done is refused for this reason."""
        made = self.made
        left = made.total - made.done - made.failed
        if message:
            after = made.done + made.failed
            made.failed += left
            made.errors = [*made.errors, {"run": f"after {after:,} runs", "message": message}]
        ended = {"failed": made.failed, "errors": made.errors, "starts": []}
        self._write(**ended, waits_until=None, ended_at=timezone.now())
        BulkLease.objects.filter(token=self.token).delete()

    @transaction.atomic
    def _write(self, **fields: Any) -> None:
        mine = BulkLease.objects.filter(token=self.token)
        if not mine.update(heartbeat_at=timezone.now()):
            raise Lost(f"{self.made} is done elsewhere")
        if fields:
            BulkChange.objects.filter(pk=self.made.pk).update(**fields)


def claim(pk: int) -> Work | None:
    """Take a change that nobody works on; None where somebody does or it has ended."""
    made = BulkChange.objects.filter(pk=pk, ended_at=None).select_related("by").first()
    if made is None:
        return None
    lease = BulkLease.objects.filter(change=made).first()
    if lease is not None and not leases.is_silent(lease):
        return None
    token = uuid4()
    try:
        with transaction.atomic():
            if lease is not None:
                BulkLease.objects.filter(token=lease.token).delete()
            BulkLease.objects.create(change=made, token=token, **leases.this_process())
    except IntegrityError:  # somebody else was quicker
        return None
    made.refresh_from_db()
    return Work(made, token, is_resumed=lease is not None)


def left() -> Iterator[int]:
    """Return the changes that have not ended and that nobody works on."""
    open_ = BulkChange.objects.filter(ended_at=None).select_related("lease")
    for made in open_.defer("run_ids", "starts").order_by("pk"):
        lease = getattr(made, "lease", None)
        if lease is None or leases.is_silent(lease):
            yield made.pk
