"""The poller's thread, which runs in only one process of an installation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import connections

from runs.index import later_secrets, writer
from runs.sync.poller import Poller, PollerLeaseLost
from web.elections import Election

logger = logging.getLogger(__name__)

_TURN_INTERVAL: Final = 0.5  # seconds
_PRUNE_INTERVAL: Final = 600.0  # seconds
_ERROR_PAUSE: Final = 5.0  # seconds


def start_poller(*chores: Callable[[], None]) -> None:
    """Poll in a daemon thread, and after each turn call the functions, which must be quick."""
    threading.Thread(target=_poll_forever, args=(chores,), name="poller", daemon=True).start()


def _poll_forever(chores: Sequence[Callable[[], None]]) -> None:
    """Poll on one connection to the database, which is replaced after an error."""
    election, pruned_at = Election("poller"), time.monotonic()
    poller = Poller(election.hold)
    while True:
        try:
            if election.hold():
                poller.turn()
                later_secrets.mask_next()
                if time.monotonic() - pruned_at > _PRUNE_INTERVAL:
                    pruned_at = time.monotonic()
                    writer.prune()
                for chore in chores:
                    chore()
        except PollerLeaseLost:
            logger.info("another process is polling now")
        except Exception:
            logger.exception("a pass of the poller failed")
            connections.close_all()
            time.sleep(_ERROR_PAUSE)
        time.sleep(_TURN_INTERVAL)
