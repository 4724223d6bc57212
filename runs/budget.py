"""How many calls the poller may make: a part of what Cloudflare allows to all tools of a user."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW: Final = 300.0  # seconds
ALLOWED: Final = 1200  # calls of a user in the window, over all tools
SHARE: Final = 600  # what the poller takes of them at most
RESERVED: Final = 120  # of the share: for what somebody looks at


class Budget:
    """The calls of the last five minutes to one target. `calm` calls leave a reserve for others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[float] = deque()

    @property
    def used(self) -> int:
        """The calls in the window."""
        horizon = self._clock() - WINDOW
        while self._calls and self._calls[0] <= horizon:
            self._calls.popleft()
        return len(self._calls)

    def allows(self, *, calm: bool) -> bool:
        """Tell whether a call may be made now."""
        return self.used < SHARE - (RESERVED if calm else 0)

    def spend(self) -> None:
        self._calls.append(self._clock())
