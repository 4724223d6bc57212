"""Choosing one process of an installation for work that only one may do at a time."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from web.models import ElectedProcess

EXPIRES_AFTER: Final = timedelta(seconds=15)
_RENEW_INTERVAL: Final = 4.0  # seconds


class Election:
    """This process's candidacy for a task; another process takes over when it no longer renews."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._holder = uuid4()
        self._renewed_at = -math.inf

    def hold(self) -> bool:
        """Return whether this process is elected; the database is not asked on every call."""
        if time.monotonic() - self._renewed_at < _RENEW_INTERVAL:
            return True
        is_ours = elect(self._task, self._holder)
        self._renewed_at = time.monotonic() if is_ours else -math.inf
        return is_ours


def elect(task: str, holder: UUID) -> bool:
    """Elect or confirm the process; False if another one has been confirmed recently.

    The clock is the database's, because those of hosts differ.
    """
    is_free = Q(holder=holder) | Q(beat_at__lt=Now() - EXPIRES_AFTER)
    if ElectedProcess.objects.filter(is_free, task=task).update(holder=holder, beat_at=Now()):
        return True
    try:
        with transaction.atomic():
            ElectedProcess.objects.create(task=task, holder=holder, beat_at=Now())
    except IntegrityError:
        return False
    return True
