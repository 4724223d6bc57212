"""The history as the admin pages through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from deployments.models import Deployment


class HistoryQuerySet(QuerySet[Deployment]):
    """Answers the admin's date hierarchy from the first and the last row.

    Django truncates the date of every row for it, on SQLite in Python: 100,000 rows take longer
    than the whole page may.
    """

    def datetimes(self, field_name: str, kind: str, *_args: Any, **_kwargs: Any) -> list[date]:  # type: ignore[override]
        span = self.aggregate(first=Min(field_name), last=Max(field_name))
        if span["first"] is None:
            return []
        return list(_periods(_local(span["first"]), _local(span["last"]), kind))


def _local(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _periods(first: date, last: date, kind: str) -> Iterator[date]:
    here = {"year": first.replace(month=1, day=1), "month": first.replace(day=1)}.get(kind, first)
    while here <= last:
        yield here
        here = _next(here, kind)


def _next(here: date, kind: str) -> date:
    if kind == "year":
        return here.replace(year=here.year + 1)
    if kind == "month":
        return (here + timedelta(days=32)).replace(day=1)
    return here + timedelta(days=1)
