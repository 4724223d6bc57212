"""The poller's thread, which runs in only one process of an installation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, connections, transaction
from django.db.models import Q
from django.utils import timezone

from runs.index import later_secrets, writer
from runs.models import PollerLease
from runs.sync.poller import Poller, PollerLeaseLost

logger = logging.getLogger(__name__)

_TURN_INTERVAL: Final = 0.5  # seconds
_RENEW_INTERVAL: Final = 4.0  # seconds
_EXPIRES_AFTER: Final = timedelta(seconds=15)  # longer than one call takes
_PRUNE_INTERVAL: Final = 600.0  # seconds
_ERROR_PAUSE: Final = 5.0  # seconds


def start_poller(*chores: Callable[[], None]) -> None:
    """Poll in a daemon thread, and after each turn call the functions, which must be quick."""
    threading.Thread(target=_poll_forever, args=(chores,), name="poller", daemon=True).start()


class _Lease:
    """This process's lease, renewed while it works, but not with every call."""

    def __init__(self) -> None:
        self._holder = uuid4()
        self._renewed_at = 0.0

    def hold(self) -> bool:
        if time.monotonic() - self._renewed_at < _RENEW_INTERVAL:
            return True
        is_ours = acquire_lease(self._holder)
        self._renewed_at = time.monotonic() if is_ours else 0.0
        return is_ours


def _poll_forever(chores: Sequence[Callable[[], None]]) -> None:
    """Poll on one connection to the database, which is replaced after an error."""
    lease, pruned_at = _Lease(), time.monotonic()
    poller = Poller(lease.hold)
    while True:
        try:
            if lease.hold():
                poller.turn()
                later_secrets.mask_next()
                if time.monotonic() - pruned_at > _PRUNE_INTERVAL:
                    pruned_at = time.monotonic()
                    writer.prune()
                for chore in chores:
                    chore()
        except PollerLeaseLost:
            logger.info("another process is polling now")
        except Exception:
            logger.exception("a turn of the poller failed")
            connections.close_all()
            time.sleep(_ERROR_PAUSE)
        time.sleep(_TURN_INTERVAL)


def acquire_lease(holder: UUID) -> bool:
    """Acquire or renew the lease; False if another process has renewed it recently."""
    now = timezone.now()
    available = PollerLease.objects.filter(Q(holder=holder) | Q(beat_at__lt=now - _EXPIRES_AFTER))
    if available.update(holder=holder, beat_at=now):
        return True
    try:
        with transaction.atomic():
            PollerLease.objects.create(holder=holder)
    except IntegrityError:
        return False
    return True
