"""When a message is tried again. Imports nothing of Django."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import uniform
from typing import Final

DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
)
"""The pauses between the attempts, roughly as Standard Webhooks recommends."""

MAX_ATTEMPTS: Final = len(DELAYS) + 1
_JITTER: Final = 0.2  # of a pause, so that messages that failed together are not sent together
_LONGEST_REQUESTED: Final = 3_600.0  # seconds that a receiver may ask to wait


def delay_after(
    attempts: int,
    *,
    requested: float | None = None,
    random: Callable[[float, float], float] = uniform,
) -> timedelta | None:
    """Return the pause after this many attempts, or None if that was the last.

    A receiver may request a longer pause, up to an hour.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    pause = DELAYS[attempts - 1].total_seconds() * random(1 - _JITTER, 1 + _JITTER)
    return timedelta(seconds=max(pause, min(requested or 0.0, _LONGEST_REQUESTED)))
