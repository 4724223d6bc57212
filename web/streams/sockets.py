"""WebSockets of staff, of which a user can have only so many."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

TOO_MANY: Final = 4429
_open: Counter[int] = Counter()  # WebSockets of this process by user; only its event loop counts


class StaffSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A consumer whose socket counts for its user from `take_place` until the connection ends."""

    _user: int | None = None

    async def __call__(self, *arguments: Any) -> Any:
        try:
            return await super().__call__(*arguments)
        finally:
            if self._user is not None:
                _open[self._user] -= 1
                if not _open[self._user]:
                    del _open[self._user]

    def take_place(self, user: int) -> str:
        """Count the socket; return a sentence if the user has too many already, or ""."""
        limit: int = settings.AWAITSTEP.streams_per_user
        if _open[user] >= limit:
            return f"You have {limit} open WebSockets on this server. Close some of the pages."
        self._user = user
        _open[user] += 1
        return ""
