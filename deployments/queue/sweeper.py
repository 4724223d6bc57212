"""A background thread of the server that finds abandoned deployments and lost tasks."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count

from django.db import connections

from deployments import drift
from deployments.history.live_workflows import LiveWorkflows
from deployments.queue import claims, recovery, tasks
from web.elections import Election

logger = logging.getLogger(__name__)

INTERVAL = 3.0  # seconds
_DRIFT_EVERY = 20  # sweeps between checks for a drift check that is due

_latest: deque[float] = deque(maxlen=1)  # when the latest sweep started, on the monotonic clock


def start_sweeper(
    *, own: Sequence[Callable[[], None]] = (), elected: Sequence[Callable[[], None]] = ()
) -> None:
    """Start a daemon thread that sweeps every few seconds, and calls the given functions too.

    Each process calls those in `own`; of all processes of an installation, one calls those in `elected`.
    """
    threading.Thread(target=_run, args=(own, elected), name="sweeper", daemon=True).start()


def seconds_since_sweep() -> float | None:
    """Return how long ago the latest sweep started; None if this process has no sweeper."""
    return time.monotonic() - _latest[-1] if _latest else None


def _run(own: Sequence[Callable[[], None]], elected: Sequence[Callable[[], None]]) -> None:
    live, election = LiveWorkflows(), Election("sweeper")
    for number in count():
        _latest.append(time.monotonic())
        try:
            is_elected = election.hold()
            _sweep(of_other_hosts=is_elected)
            for sweep in own:
                sweep()
            for sweep in elected if is_elected else ():
                sweep()
            if is_elected and number % _DRIFT_EVERY == _DRIFT_EVERY - 1:
                drift.check_due(live)
        except Exception:
            logger.exception("a sweep failed; the next one is in %s seconds", INTERVAL)
        finally:
            connections.close_all()
        time.sleep(INTERVAL)


def _sweep(*, of_other_hosts: bool) -> None:
    recovery.sweep(of_other_hosts=of_other_hosts)
    if claims.due().exists():
        tasks.process_queue.enqueue()
