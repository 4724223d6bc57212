"""Turns for work that users compete for, so that nobody waits for all the work of somebody else."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Turns:
    """Up to `limit` turns at the same time, and one for each user.

    The next turn goes to the user who has waited longest since the last one, however much others ask for.
    """

    limit: int = 1
    _busy: set[object] = field(default_factory=set)
    _waiting: OrderedDict[object, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def of(self, user: object) -> AsyncGenerator[None]:
        """Wait for a turn of this user, which lasts as long as the context."""
        await self._enter(user)
        try:
            yield
        finally:
            self._leave(user)

    async def _enter(self, user: object) -> None:
        if self._is_free_for(user):
            self._busy.add(user)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the turn was given away just before
                self._leave(user)
            raise

    def _is_free_for(self, user: object) -> bool:
        return len(self._busy) < self.limit and user not in self._busy

    def _leave(self, user: object) -> None:
        self._busy.remove(user)
        if user in self._waiting:
            self._waiting.move_to_end(user)
        for waiting in list(self._waiting):
            if self._is_free_for(waiting):
                self._give(waiting)

    def _give(self, user: object) -> None:
        turns = self._waiting[user]
        while turns:
            turn = turns.popleft()
            if not turn.cancelled():
                self._busy.add(user)
                turn.set_result(None)
                break
        if not turns:
            del self._waiting[user]
