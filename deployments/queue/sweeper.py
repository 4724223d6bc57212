"""A background thread of the server that finds abandoned deployments and lost tasks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import count
from time import sleep

from django.db import connections

from deployments import drift
from deployments.queue import claims, recovery, tasks

logger = logging.getLogger(__name__)

INTERVAL = 3.0  # seconds
_DRIFT_EVERY = 20  # sweeps between checks for a drift check that is due


def start_sweeper(*sweeps: Callable[[], None]) -> None:
    """Start a daemon thread that sweeps every few seconds, and calls the given functions too."""
    threading.Thread(target=_run, args=(sweeps,), name="sweeper", daemon=True).start()


def _run(sweeps: Sequence[Callable[[], None]]) -> None:
    for number in count():
        try:
            _sweep()
            for sweep in sweeps:
                sweep()
            if number % _DRIFT_EVERY == _DRIFT_EVERY - 1:
                drift.check_due()
        except Exception:
            logger.exception("a sweep failed; the next one is in %s seconds", INTERVAL)
        finally:
            connections.close_all()
        sleep(INTERVAL)


def _sweep() -> None:
    recovery.sweep()
    if claims.due().exists():
        tasks.process_queue.enqueue()
