"""Old alerts and messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from alerts.models import Alert, AlertDelivery, DeliveryStatus
from audit.batches import Batch


def old_alerts(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return alerts that were resolved before the time. Open ones are kept."""
    rows = Alert.objects.filter(resolved_at__isnull=False) if days else Alert.objects.none()
    return _batch(rows, "resolved_at", cursor, before, size)


def old_messages(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return messages that were sent or given up before the time, unless an alert still has them."""
    ended = AlertDelivery.objects.exclude(status=DeliveryStatus.WAITING.value)
    rows = ended.filter(alerts=None) if days else AlertDelivery.objects.none()
    return _batch(rows, "ended_at", cursor, before, size)


def _batch(rows: QuerySet[Any], ended: str, cursor: str, before: datetime, size: int) -> Batch:
    later = rows.filter(pk__gt=int(cursor or 0)).order_by("pk")
    found = list(later.values_list("pk", ended)[:size])
    is_last = len(found) < size

    @transaction.atomic
    def remove(keys: Sequence[int]) -> int:
        removed: dict[str, int] = rows.model._default_manager.filter(pk__in=keys).delete()[1]
        return removed.get(rows.model._meta.label, 0)

    return Batch(
        keys=[pk for pk, at in found if at is not None and at < before],
        count=len,
        remove=remove,
        cursor=None if is_last else str(found[-1][0]),
    )
