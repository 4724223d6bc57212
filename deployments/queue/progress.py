"""Waiting for a deployment without an event loop, in a command or a call of the API."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Status
from deployments.queue import tasks
from deployments.queue.backlog import backlog

_POLL = 0.05  # seconds
_SWEEP = 3.0  # seconds between sweeps for abandoned deployments


def wait_until_final(
    deployment: Deployment,
    on_stage: Callable[[StageRecord], None],
    *,
    on_stall: Callable[[], None] = lambda: None,
    max_seconds: float = math.inf,
) -> Deployment:
    """Call `on_stage` once for each stage record, in order, until the deployment has ended.

    After `max_seconds`, it is returned although it has not ended.

    Any process may run the deployment. While waiting, this one keeps sweeping the queue. It calls
    `on_stall` once if no process is working on the queue.
    """
    started_at = swept_at = time.monotonic()
    last_number, has_stalled = 0, False
    while True:
        deployment.refresh_from_db(fields=["status", "worker_url", "message", "stage"])
        for record in deployment.records.filter(number__gt=last_number).order_by("number"):
            last_number = record.number
            on_stage(record)
        if deployment.is_final or time.monotonic() - started_at >= max_seconds:
            return deployment
        if time.monotonic() - swept_at > _SWEEP:
            swept_at = time.monotonic()
            tasks.process_queue.enqueue()
            if not has_stalled and deployment.state is Status.QUEUED and backlog().is_stalled:
                has_stalled = True
                on_stall()
        time.sleep(_POLL)
