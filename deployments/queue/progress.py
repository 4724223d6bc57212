"""Following a deployment from a process that has no event loop: a command's."""

from __future__ import annotations

import time
from collections.abc import Callable

from deployments.models import Deployment, StageRecord
from deployments.queue import tasks

_POLL = 0.05  # seconds
_NUDGE = 3.0  # seconds between looks for a worker that is gone


def wait_until_final(deployment: Deployment, tell: Callable[[StageRecord], None]) -> Deployment:
    """Tell each stage record once, in order, and return the deployment when it has ended.

    Any process may perform it. While it only waits, silent holders are looked for again and again.
    """
    known, nudged = 0, time.monotonic()
    while True:
        deployment.refresh_from_db(fields=["status", "worker_url", "message", "stage"])
        for record in deployment.records.filter(number__gt=known).order_by("number"):
            known = record.number
            tell(record)
        if deployment.is_final:
            return deployment
        if time.monotonic() - nudged > _NUDGE:
            nudged = time.monotonic()
            tasks.process_queue.enqueue()
        time.sleep(_POLL)
