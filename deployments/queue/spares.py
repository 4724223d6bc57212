"""The spare processes of wrangler, with which a deploy need not wait until wrangler has loaded."""

from __future__ import annotations

import threading
from functools import cache

from django.conf import settings
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, task_backends

from deployments.pipeline.adapters import wrangler
from deployments.queue.thread_backend import ThreadBackend
from toolchain.spare_programs import Spares

_is_kept = threading.Event()


@cache
def spare_wranglers() -> Spares:
    """Return the spares of this process; it has none before `prepare` is called."""
    config = settings.AWAITSTEP
    return wrangler.spares(config.spare_wranglers, cache=config.data_dir / "node-cache")


def keep_spares() -> None:
    """Let this process have spares between deploys, if it runs its tasks itself."""
    if isinstance(task_backends[DEFAULT_TASK_BACKEND_ALIAS], ThreadBackend):
        _is_kept.set()


def prepare_next() -> None:
    """Start spares for the deploy that is likely to come next, if this process will run it."""
    if _is_kept.is_set():
        spare_wranglers().prepare()
