"""The poller's thread, and that only one process of an installation has it."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, connections, transaction
from django.db.models import Q
from django.utils import timezone

from runs.index import writer
from runs.models import PollerLease
from runs.sync.poller import LostLease, Poller

logger = logging.getLogger(__name__)

_TURN: Final = 0.5  # seconds between turns
_BEAT: Final = 1.0  # seconds between writings of the lease
_SILENT: Final = timedelta(seconds=15)  # longer than one call takes
_PRUNE_EVERY: Final = 600.0  # seconds


def start_poller() -> None:
    """Poll in a thread that ends with the process."""
    threading.Thread(target=_poll_for_ever, name="poller", daemon=True).start()


class _Lease:
    """The lease of this process, which is written again as long as it works, but not at each call."""

    def __init__(self) -> None:
        self._holder = uuid4()
        self._held_at = 0.0

    def hold(self) -> bool:
        if time.monotonic() - self._held_at < _BEAT:
            return True
        is_ours = hold(self._holder)
        self._held_at = time.monotonic() if is_ours else 0.0
        return is_ours


def _poll_for_ever() -> None:
    lease, pruned_at = _Lease(), time.monotonic()
    poller = Poller(lease.hold)
    while True:
        try:
            if lease.hold():
                poller.turn()
                if time.monotonic() - pruned_at > _PRUNE_EVERY:
                    pruned_at = time.monotonic()
                    writer.prune()
        except LostLease:
            logger.info("another process polls now")
        except Exception:
            logger.exception("a turn of the poller failed; the next one comes")
            time.sleep(5)
        finally:
            connections.close_all()
        time.sleep(_TURN)


def hold(holder: UUID) -> bool:
    """Take or keep the lease; False where another process has it and has been heard of lately."""
    now = timezone.now()
    mine = PollerLease.objects.filter(Q(holder=holder) | Q(beat_at__lt=now - _SILENT))
    if mine.update(holder=holder, beat_at=now):
        return True
    try:
        with transaction.atomic():
            PollerLease.objects.create(holder=holder)
    except IntegrityError:
        return False
    return True
