"""How far the index lags behind the targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone

from runs.models import Run

_LATE: Final = timedelta(minutes=2)  # twice the usual time between two checks of an open run


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLag:
    """`unchecked` of `total` open runs may have changed; the oldest check was at `checked_at`."""

    unchecked: int
    total: int
    checked_at: datetime


def index_lag(workflow_id: str = "") -> IndexLag | None:
    """Return how many open runs, of one or all workflows, await a check; None if none is overdue."""
    runs = Run.objects.filter(workflow=workflow_id) if workflow_id else Run.objects.all()
    runs = runs.filter(is_open=True, gone_at=None)
    late = runs.filter(checked_at__lt=timezone.now() - _LATE)
    found = late.order_by().aggregate(unchecked=Count("pk"), checked_at=Min("checked_at"))
    return IndexLag(total=runs.count(), **found) if found["unchecked"] else None
