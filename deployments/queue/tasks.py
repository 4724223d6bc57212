"""The task that processes the queue. The table is the queue, so losing a task is harmless."""

from __future__ import annotations

import logging

from django_tasks import task

logger = logging.getLogger(__name__)


@task()
def process_queue() -> None:
    """Run the waiting deployments."""
    from deployments.queue import claims

    try:
        claims.process_queue()
    except Exception:
        logger.exception("the deployment queue stopped unexpectedly; the next sweep resumes it")
        raise
