"""A server's standing duty: what another process left, or a lost task, is found within seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import count
from time import sleep

from django.db import connections

from deployments import drift
from deployments.queue import claims, tasks

logger = logging.getLogger(__name__)

INTERVAL = 3.0  # seconds
_DRIFT_EVERY = 20  # sweeps between looks for a comparison that is due


def start_sweeper(*others: Callable[[], None]) -> None:
    """Sweep at once and every few seconds, in a thread that ends with the process; so do others."""
    arguments = (others,)
    threading.Thread(target=_sweep_for_ever, args=arguments, name="sweeper", daemon=True).start()


def _sweep_for_ever(others: Sequence[Callable[[], None]]) -> None:
    for sweeps in count():
        try:
            _sweep()
            for other in others:
                other()
            if sweeps % _DRIFT_EVERY == _DRIFT_EVERY - 1:
                drift.check_due()
        except Exception:
            logger.exception("a sweep failed; the next one is in %s seconds", INTERVAL)
        finally:
            connections.close_all()
        sleep(INTERVAL)


def _sweep() -> None:
    claims.sweep()
    if claims.due().exists():
        tasks.process_queue.enqueue()
