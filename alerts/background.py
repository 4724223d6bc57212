"""The thread that evaluates the rules and sends the messages, in one process of an installation."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from django.db import connections

from alerts.delivery import outbox
from alerts.delivery.dispatch import dispatch
from alerts.evaluation.evaluator import Evaluator
from alerts.models import Alert, AlertDelivery, AlertRule, DeliveryStatus
from web.elections import Election

logger = logging.getLogger(__name__)

_INTERVAL: Final = 5.0  # seconds between two turns
_MOST_BATCHES: Final = 20  # of events in a turn
_SENDERS: Final = 4  # messages that are sent at the same time

_free = threading.BoundedSemaphore(_SENDERS)


def start_alerts() -> None:
    """Evaluate and send in a daemon thread; slow receivers keep neither it nor each other waiting."""
    threading.Thread(target=_run, name="alerts", daemon=True).start()


def _run() -> None:
    election, evaluator = Election("alerts"), Evaluator()
    while True:
        try:
            if has_work() and election.hold():
                take_turn(evaluator)
        except Exception:
            logger.exception(
                "alerts were not evaluated; the next attempt is in %s seconds", _INTERVAL
            )
            connections.close_all()
        time.sleep(_INTERVAL)


def has_work() -> bool:
    """Return whether there is anything to evaluate or to send. Without rules, nothing else is done."""
    return (
        AlertRule.objects.filter(enabled=True).exists()
        or Alert.objects.filter(resolved_at=None).exists()
        or AlertDelivery.objects.filter(status=DeliveryStatus.WAITING.value).exists()
    )


def take_turn(evaluator: Evaluator) -> None:
    """Evaluate the rules, queue messages, and start to send those that are due."""
    for _ in range(_MOST_BATCHES):
        if not evaluator.evaluate():
            break
    dispatch()
    _start_deliveries()


def _start_deliveries() -> None:
    """Send as many messages as there are free senders, each in a thread that ends with it."""
    while _free.acquire(blocking=False):
        claimed = outbox.claim(1)
        if not claimed:
            _free.release()
            return
        threading.Thread(
            target=_deliver, args=(claimed[0],), name="alert sender", daemon=True
        ).start()


def _deliver(delivery: AlertDelivery) -> None:
    try:
        outbox.deliver(delivery)
    except Exception:
        logger.exception("the outcome of %s was not recorded", delivery)
    finally:
        connections.close_all()
        _free.release()
