"""The task that says that there is work; the table says which, so that a lost one costs nothing."""

from __future__ import annotations

import logging

from django_tasks import task

logger = logging.getLogger(__name__)


@task()
def process_queue() -> None:
    """Perform the deployments that wait."""
    from deployments.queue import claims

    try:
        claims.process_queue()
    except Exception:
        logger.exception("the deployment queue stopped; the next sweep goes on with it")
        raise
