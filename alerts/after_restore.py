"""Alerts of an installation that was restored from a backup."""

from __future__ import annotations

from typing import Final

from django.db.models import Max
from django.utils import timezone

from alerts.models import Alert, AlertDelivery, DeliveryStatus, EvaluationState
from deployments.models import StageRecord

_NOT_SENT: Final = "It was not sent, because the installation was restored from a backup."


def drop_what_was_pending() -> None:
    """Give up the messages that were waiting, and do not alert about what the restore has ended.

    The installation that was backed up may have sent them.
    """
    waiting = AlertDelivery.objects.filter(status=DeliveryStatus.WAITING.value)
    waiting.update(status=DeliveryStatus.FAILED.value, error=_NOT_SENT, ended_at=timezone.now())
    Alert.objects.exclude(pending="").update(pending="")
    newest = StageRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
    EvaluationState.objects.update(stage_record=newest)
