"""How often and how soon a server that has exited is restarted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST: Final = 5
WITHIN_SECONDS: Final = 600.0


class RestartLimit:
    """Allows MOST restarts within WITHIN_SECONDS, each after a longer pause than the one before."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._restarts: list[float] = []

    def next_pause(self) -> float | None:
        """Count one more restart, and return the seconds to wait before it; None if it is one too many."""
        now = self._clock()
        self._restarts = [at for at in self._restarts if at > now - WITHIN_SECONDS]
        if len(self._restarts) >= MOST:
            return None
        self._restarts.append(now)
        return float(2 ** len(self._restarts) // 4)  # 0, 1, 2, 4, 8
