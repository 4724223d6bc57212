"""The spare processes of wrangler, with which a deploy need not wait until wrangler has loaded."""

from __future__ import annotations

import threading
from functools import cache

from django.conf import settings

from deployments.pipeline.adapters import wrangler
from toolchain.spare_programs import Spares

_is_server = threading.Event()


@cache
def spare_wranglers() -> Spares:
    """Return the spares of this process; it has none before `prepare` is called."""
    config = settings.AWAITSTEP
    return wrangler.spares(config.spare_wranglers, cache=config.data_dir / "node-cache")


def keep_spares() -> None:
    """Let this process, which runs many deploys, start spares again after its deploys."""
    _is_server.set()


def replace_used() -> None:
    """Start spares for the next deploy, if this process will run it."""
    if _is_server.is_set():
        spare_wranglers().prepare()
