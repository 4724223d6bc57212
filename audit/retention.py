"""Old entries of the audit trail."""

from __future__ import annotations

from datetime import datetime

from audit.batches import Batch
from audit.models import Entry


def old_entries(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return entries from before the time, in the order in which they were added."""
    after = int(cursor or 0)
    rows = Entry.objects.filter(pk__gt=after).order_by("pk") if days else Entry.objects.none()
    found = list(rows.values_list("pk", "at")[:size])
    old = [pk for pk, at in found if at < before]
    is_last = len(found) < size or not old
    return Batch(
        keys=old,
        count=len,
        remove=Entry.objects.remove_by_retention,
        cursor=None if is_last else str(found[-1][0]),
    )
