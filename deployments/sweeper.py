"""A server's standing duty: what another process left, or a lost task, is found within seconds."""

from __future__ import annotations

import logging
import threading
from time import sleep

from django.db import connections

from deployments import queue, tasks
from deployments.models import Deployment
from deployments.stages import Status

logger = logging.getLogger(__name__)

INTERVAL = 3.0  # seconds


def start_sweeper() -> None:
    """Sweep at once and every few seconds, in a thread that ends with the process."""
    threading.Thread(target=_sweep_for_ever, name="sweeper", daemon=True).start()


def _sweep_for_ever() -> None:
    while True:
        try:
            _sweep()
        except Exception:
            logger.exception("a sweep failed; the next one is in %s seconds", INTERVAL)
        finally:
            connections.close_all()
        sleep(INTERVAL)


def _sweep() -> None:
    queue.sweep()
    if Deployment.objects.filter(status=Status.QUEUED.value).exists():
        tasks.work.enqueue()
