"""The language servers of this process: one for each edited draft, up to a limit."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from workflows.compilation.language_server.server_session import ServerSession, Unavailable
from workflows.compilation.language_server.turns import Turns

LINGER_SECONDS: Final = 60.0  # how long a server stays after its last editor has closed
_THREADS: Final = 3  # fewer than the threads of asyncio, and the processes of `bounded_calls`
_S = TypeVar("_S", bound=ServerSession)
CallLater = Callable[[float, Callable[[], None]], Any]


def _call_later(seconds: float, work: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, work)


@dataclass(eq=False, slots=True, kw_only=True)
class Pool:
    """Shares a draft's session among its editors, and ends unused servers.

    The sessions compute in `threads`, in which their users take turns.
    All calls must come from one event loop, except for `counts`.
    """

    limit: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    call_later: CallLater = _call_later
    threads: Turns = field(default_factory=lambda: Turns(_THREADS))
    sessions: dict[str, ServerSession] = field(default_factory=dict)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)

    def enter(self, draft: str, make: Callable[[Pool], _S]) -> _S:
        """Return the session of a draft for another editor."""
        session = self.sessions.get(draft)
        if session is None:
            session = self.sessions[draft] = make(self)
        session.editors += 1
        return cast("_S", session)

    def leave(self, draft: str) -> None:
        """Note that an editor of the draft has closed; the server ends soon after the last editor."""
        session = self.sessions[draft]
        session.editors -= 1
        if session.editors == 0:
            self.call_later(LINGER_SECONDS, lambda: self._end_unused(draft, session))

    def _end_unused(self, draft: str, session: ServerSession) -> None:
        if session.editors == 0 and self.sessions.get(draft) is session:
            del self.sessions[draft]
            task = asyncio.ensure_future(session.end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def counts(self) -> tuple[int, int]:
        """Return how many editors are open, and how many servers are running; from any thread."""
        sessions = list(self.sessions.values())
        running = sum(session.is_running for session in sessions)
        return sum(session.editors for session in sessions), running

    async def make_room(self, for_session: ServerSession) -> None:
        """End a server if there are too many; raises Unavailable.

        It is the least recently used one, or one of the user who has most.
        """
        while True:
            others = [
                each
                for each in self.sessions.values()
                if each.is_running and each is not for_session
            ]
            if len(others) < self.limit():
                return
            if not others:  # completion is turned off
                raise Unavailable
            await (self._oldest_idle(others) or _surplus(others, for_session.used_by)).end()

    def _oldest_idle(self, running: list[ServerSession]) -> ServerSession | None:
        """Return a session without editors, or at least one that has not been used for a while."""
        oldest = min(running, key=lambda each: (each.editors > 0, each.used_at))
        is_in_use = oldest.editors and self.clock() - oldest.used_at < LINGER_SECONDS
        return None if is_in_use else oldest

    async def close(self) -> None:
        """End all servers."""
        sessions = list(self.sessions.values())
        self.sessions.clear()
        await asyncio.gather(*(session.end() for session in sessions), *self._ending)


def _surplus(running: list[ServerSession], user: object) -> ServerSession:
    """Return a session of the user who has most, and will not have fewer than `user`; raises Unavailable."""
    counts = Counter(each.used_by for each in running)
    most = max(counts.values())
    if most < counts[user] + 2:
        raise Unavailable
    theirs = [each for each in running if counts[each.used_by] == most]
    return min(theirs, key=lambda each: each.used_at)
