"""Live logs of a Worker over a WebSocket: filtered here, bounded, and silent about secrets.

The page sends {"level": ..., "text": ..., "paused": ...}; it gets {"lines": [...]}, {"lost": n} where
it was too slow, and {"error": sentence} before the socket closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from deployments.history import records
from deployments.models import Deployment
from runs.index.writer import secrets_in
from runs.logs.log_lines import Line, Wanted, lines
from runs.logs.tail_hub import watch
from runs.stream.run_events import may_read
from targets.cloudflare.errors import DeployError
from targets.cloudflare.redaction import redact
from web.streams.listener import RIGHTS_CHECK_SECONDS

logger = logging.getLogger(__name__)

_KEPT: Final = 1000  # lines that wait for a page
_EVERY: Final = 0.2  # seconds between messages
_REFUSED: Final = 4403
_NOTHING: Final = 4404
_ENDED: Final = 4500


class LogConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One viewer of one workflow's Worker."""

    async def connect(self) -> None:
        self.wanted, self.is_paused, self.lost = Wanted(), False, 0
        self.waiting: deque[Line] = deque()
        self.work: list[asyncio.Task[None]] = []
        await self.accept()
        if not await database_sync_to_async(may_read)(self.scope["user"]):
            await self._end("Log in as a user who may view runs.", _REFUSED)
            return
        live = await database_sync_to_async(self._live)()
        if live is None:
            await self._end("Nothing of this workflow is live: deploy it first.", _NOTHING)
            return
        if not await self._learns(live):
            return
        self.work = [
            asyncio.ensure_future(self._read(live)),
            asyncio.ensure_future(self._write(live)),
        ]

    def _live(self) -> Deployment | None:
        workflow = self.scope["url_route"]["kwargs"]["workflow"]
        found = records.live(workflow)
        if found is not None:
            found = Deployment.objects.select_related("target", "workflow").get(pk=found.pk)
        return found

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        with suppress(ValueError):
            asked = json.loads((text_data or "")[:1000])
            if isinstance(asked, dict):
                self.is_paused = bool(asked.get("paused"))
                self.wanted = Wanted.of(asked)

    async def disconnect(self, code: int) -> None:
        for task in self.work:
            task.cancel()
        await asyncio.gather(*self.work, return_exceptions=True)

    async def _read(self, live: Deployment) -> None:
        try:
            await watch(live, self._hear)
        except DeployError as refused:
            await self._end(self.hide(str(refused)), _ENDED)
        except Exception:
            logger.exception("the logs of %s could not be read on", live.worker_name)
            await self._end("The log stream ended here. Open it again.", _ENDED)
        else:
            await self._end("The target ended its log stream. Open it again.", _ENDED)

    def _hear(self, event: dict[str, Any]) -> None:
        """One that cannot be read costs no other."""
        try:
            for line in lines(event, hide=self.hide):
                self._keep(line)
        except Exception:
            logger.exception("a trace event could not be read")

    def _keep(self, line: Line) -> None:
        """A page that is paused or too slow loses the oldest lines, and is told how many."""
        if not self.wanted.takes(line):
            return
        if len(self.waiting) >= _KEPT:
            self.waiting.popleft()
            self.lost += 1
        self.waiting.append(line)

    async def _write(self, live: Deployment) -> None:
        asked = monotonic()
        while True:
            await asyncio.sleep(_EVERY)
            if monotonic() - asked >= RIGHTS_CHECK_SECONDS:
                if not await self._may_still():
                    await self._end("You may not view runs any more.", _REFUSED)
                    return
                if not await self._learns(live):
                    return
                asked = monotonic()
            if self.waiting and not self.is_paused:
                await self._tell()

    async def _may_still(self) -> bool:
        return bool(await database_sync_to_async(may_read)(await get_user(self.scope)))

    async def _learns(self, live: Deployment) -> bool:
        """Learn which secrets there are now; where one cannot be read, nothing can be shown."""
        try:
            self.hide = partial(redact, secrets=await database_sync_to_async(_secrets)(live))
        except DeployError as refused:
            await self._end(str(refused), _ENDED)
            return False
        return True

    async def _tell(self) -> None:
        told: dict[str, Any] = {"lines": [line.as_json() for line in self.waiting]}
        if self.lost:
            told["lost"] = self.lost
        self.waiting.clear()
        self.lost = 0
        await self.send(json.dumps(told, ensure_ascii=False))

    async def _end(self, sentence: str, code: int) -> None:
        await self.send(json.dumps({"error": sentence}, ensure_ascii=False))
        await self.close(code)


def _secrets(live: Deployment) -> Sequence[str]:
    return secrets_in(live.workflow) if live.workflow else ()
