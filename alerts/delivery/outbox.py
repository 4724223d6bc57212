"""The queue of messages: who sends which one and when, and the outcome.

A message is sent at least once: if a process dies between sending it and recording that, another one
sends it again, with the same id. Two processes never send the same message at the same time.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from alerts.delivery.retries import MAX_ATTEMPTS, delay_after
from alerts.delivery.senders import Outcome, send
from alerts.models import AlertDelivery, DeliveryStatus

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=2)  # more than an attempt takes; the database's clock counts
_CHANNEL_DELETED: Final = "The channel was deleted."
_INTERNAL: Final = "The message could not be sent because of an internal error. See the server log."
_DIED: Final = "The server was stopped while it was sending the message."


def claim(limit: int) -> list[AlertDelivery]:
    """Return messages that are due, which no other process sends now; the oldest come first."""
    due = AlertDelivery.objects.filter(
        status=DeliveryStatus.WAITING.value, next_attempt_at__lte=Now()
    )
    rows = due.order_by("next_attempt_at").values_list("pk", "attempts")[:limit]
    claimed = [
        pk
        for pk, attempts in list(rows)
        if due.filter(pk=pk, attempts=attempts).update(
            attempts=F("attempts") + 1, next_attempt_at=Now() + LEASE
        )
    ]
    return list(AlertDelivery.objects.filter(pk__in=claimed).select_related("channel"))


def deliver(delivery: AlertDelivery) -> bool:
    """Send a claimed message and record the outcome; return whether it was accepted."""
    outcome = _attempt(delivery)
    claimed = AlertDelivery.objects.filter(
        pk=delivery.pk, attempts=delivery.attempts, status=DeliveryStatus.WAITING.value
    )
    facts = {"answer_code": outcome.code, "error": outcome.error[:300]}
    if not outcome.error:
        claimed.update(status=DeliveryStatus.SENT.value, ended_at=timezone.now(), **facts)
        return True
    pause = delay_after(delivery.attempts, requested=outcome.retry_after)
    if pause is None or outcome.is_final or delivery.is_test:
        claimed.update(status=DeliveryStatus.FAILED.value, ended_at=timezone.now(), **facts)
        logger.warning("%s was not sent: %s", delivery, outcome.error)
    else:
        claimed.update(next_attempt_at=Now() + pause, **facts)
    return False


def _attempt(delivery: AlertDelivery) -> Outcome:
    if delivery.channel is None:
        return Outcome(error=_CHANNEL_DELETED, is_final=True)
    if delivery.attempts > MAX_ATTEMPTS:  # each of the attempts has ended with the process
        return Outcome(error=_DIED, is_final=True)
    try:
        return send(delivery.channel, delivery)
    except Exception as error:  # noqa: BLE001 - its message or traceback may contain the URL
        logger.error("%s could not be sent: %s", delivery, type(error).__name__)
        return Outcome(error=_INTERNAL)
