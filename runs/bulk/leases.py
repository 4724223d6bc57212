"""Who works on a change of many runs, and that it goes on where a worker died."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template.defaultfilters import pluralize
from django.utils import timezone

from deployments.queue import leases
from runs.models import BulkChange, BulkLease

Told = Sequence[dict[str, str]]  # of each run its id, and why it was not done
_ERRORS: Final = 20  # of those that are listed
TURN: Final = 20.0  # seconds of work before others have their turn


class Lost(Exception):
    """Another process has taken over: there is nothing left to do."""


class Later(Exception):
    """The target takes no calls now: the change is gone on with when it does."""


@dataclass(frozen=True, slots=True)
class Work:
    """A change in the hands of this process, which may have taken it over from a dead one."""

    made: BulkChange
    token: UUID
    is_resumed: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def is_done(self) -> bool:
        return self.made.left <= 0

    @property
    def goes_on(self) -> bool:
        """Whether there is more to do, and time: a server that stops waits for no more than a turn."""
        return not self.is_done and time.monotonic() - self.began < TURN

    def count(self, *, done: int = 0, there: Told = (), refused: Told = ()) -> None:
        """Write what became of some runs. Raises Lost."""
        made = self.made
        made.done += done
        made.there += len(there)
        made.failed += len(refused)
        made.errors = [*made.errors, *there, *refused][:_ERRORS]
        counts = {"done": made.done, "there": made.there, "failed": made.failed}
        self._write(**counts, errors=made.errors)

    def put_off(self, until: datetime) -> NoReturn:
        """Leave the rest until the target takes calls again. Raises Later; Lost."""
        self._write(waits_until=until)
        raise Later

    def release(self) -> None:
        """Give it out of hand, for whoever goes on with it."""
        BulkLease.objects.filter(token=self.token).delete()

    def end(self, message: str = "") -> None:
        """End it, and forget what it was to start; what was not done is refused for this reason."""
        made = self.made
        if message:
            after = f"after {made.settled:,} run{pluralize(made.settled)}"
            made.failed += made.left
            made.errors = [*made.errors, {"run": after, "message": message}]
        ended = {"failed": made.failed, "errors": made.errors, "starts": []}
        self._write(**ended, waits_until=None, ended_at=timezone.now())
        self.release()

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
    if lease is not None and not leases.is_expired(lease):
        return None
    token = uuid4()
    try:
        with transaction.atomic():
            if lease is not None:
                BulkLease.objects.filter(token=lease.token).delete()
            BulkLease.objects.create(change=made, token=token, **leases.process_identity())
            BulkChange.objects.filter(pk=pk).update(waits_until=None)
    except IntegrityError:  # somebody else was quicker
        return None
    made.refresh_from_db()
    return Work(made, token, is_resumed=lease is not None)


def left() -> Iterator[int]:
    """Return the changes that have not ended, that nobody works on and that need not wait now."""
    is_due = Q(waits_until=None) | Q(waits_until__lte=timezone.now())
    open_ = BulkChange.objects.filter(is_due, ended_at=None).select_related("lease")
    for made in open_.defer("run_ids", "starts").order_by("pk"):
        lease = getattr(made, "lease", None)
        if lease is None or leases.is_expired(lease):
            yield made.pk
