"""The WebSocket of a Worker's live logs: filtered, bounded, and with secrets masked.

The page sends {"level": ..., "text": ..., "paused": ...}. It receives {"live": true} once the target is
connected, then {"lines": [...]}, with "lost": n if it was too slow, and {"error": sentence} before the
socket closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from channels.db import database_sync_to_async

from deployments.history import records
from deployments.models import Deployment
from runs.index.writer import secrets_of_workflow
from runs.logs.log_lines import Line, LineFilter, log_lines
from runs.logs.tail_client import SizedEvent
from runs.logs.tail_hub import watch_tail
from runs.permissions import VIEW
from runs.stream.run_events import may_read
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of, default_target
from toolchain.redaction import redact
from web.streams.access import StreamAccess
from web.streams.listener import RIGHTS_CHECK_SECONDS
from web.streams.sockets import TOO_MANY, StaffSocket

logger = logging.getLogger(__name__)

_MAX_QUEUED: Final = 1000  # lines, and events of which no lines have been read yet
_MAX_BYTES: Final = 8 * 1024 * 1024  # of events of which no lines have been read yet
_SEND_INTERVAL: Final = 0.2  # seconds
SECRETS_SECONDS: Final = 1.0  # a new secret can be deployed and printed after this time
_FORBIDDEN: Final = 4403
_NOT_LIVE: Final = 4404
_ENDED: Final = 4500
_ACCESS: Final = StreamAccess(
    address="/runs/logs/<workflow>/socket/", permission=VIEW, may_read=may_read
)


class LogConsumer(StaffSocket):
    """One viewer of one workflow's Worker."""

    async def connect(self) -> None:
        self.filter, self.is_paused, self.lost = LineFilter(), False, 0
        self.events: deque[SizedEvent] = deque()
        self.events_size = 0
        self.queue: deque[Line] = deque()
        self.tasks: list[asyncio.Task[None]] = []
        await self.accept()
        user = await _ACCESS.opened_by(self.scope)
        if user is None:
            await self._end("Log in as a user with permission to view runs.", _FORBIDDEN)
            return
        if refusal := self.take_place(user):
            await self._end(refusal, TOO_MANY)
            return
        live = await database_sync_to_async(self._live)()
        if live is None:
            await self._end("This workflow is not live. Deploy it first.", _NOT_LIVE)
            return
        if not await self._load_secrets(live):
            return
        self.tasks = [
            asyncio.ensure_future(self._read(live)),
            asyncio.ensure_future(self._write(live)),
        ]

    def _live(self) -> Deployment | None:
        live = records.live(self.scope["url_route"]["kwargs"]["workflow"])
        if live is not None:
            live = Deployment.objects.select_related("target", "workflow").get(pk=live.pk)
        return live

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        with suppress(ValueError, RecursionError):
            message = json.loads((text_data or "")[:1000])
            if isinstance(message, dict):
                self.is_paused = bool(message.get("paused"))
                self.filter = LineFilter.of(message)

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _read(self, live: Deployment) -> None:
        try:
            await watch_tail(live, self._on_event, on_open=self._on_open)
        except DeployError as error:
            await self._end(self.hide(str(error)), _ENDED)
        except Exception:
            logger.exception("could not read the logs of %s", live.worker_name)
            await self._end("The log stream failed. Open it again.", _ENDED)
        else:
            await self._end("The target ended the log stream. Open it again.", _ENDED)

    async def _on_open(self) -> None:
        await self.send(json.dumps({"live": True}))

    def _on_event(self, event: dict[str, Any], size: int) -> None:
        """Queue an event; while the page reads nothing, the oldest ones are lost."""
        self.events.append((event, size))
        self.events_size += size
        while len(self.events) > _MAX_QUEUED or self.events_size > _MAX_BYTES:
            self._next_event()
            self.lost += 1

    def _next_event(self) -> dict[str, Any]:
        event, size = self.events.popleft()
        self.events_size -= size
        return event

    def _read_events(self) -> None:
        """Queue the lines of new events; one that cannot be read does not end the stream."""
        while self.events:
            event = self._next_event()
            try:
                for line in log_lines(event, hide=self.hide):
                    if self.filter.matches(line):
                        self._enqueue(line)
            except Exception:
                logger.exception("could not read a trace event")

    def _enqueue(self, line: Line) -> None:
        """Queue a line; a page that is paused or too slow loses the oldest."""
        if len(self.queue) >= _MAX_QUEUED:
            self.queue.popleft()
            self.lost += 1
        self.queue.append(line)

    async def _write(self, live: Deployment) -> None:
        checked_at = loaded_at = monotonic()
        while True:
            await asyncio.sleep(_SEND_INTERVAL)
            if monotonic() - checked_at >= RIGHTS_CHECK_SECONDS:
                if not await _ACCESS.may_stay(self.scope):
                    await self._end("You no longer have permission to view runs.", _FORBIDDEN)
                    return
                checked_at = monotonic()
            if self.events and monotonic() - loaded_at >= SECRETS_SECONDS:
                if not await self._load_secrets(live):
                    return
                loaded_at = monotonic()
            self._read_events()
            if self.queue and not self.is_paused:
                await self._send_lines()

    async def _load_secrets(self, live: Deployment) -> bool:
        """Load the secrets to mask; if that fails, the stream ends, since nothing can be shown."""
        try:
            self.hide = partial(redact, secrets=await database_sync_to_async(_secrets)(live))
        except DeployError as error:
            await self._end(str(error), _ENDED)
            return False
        return True

    async def _send_lines(self) -> None:
        message: dict[str, Any] = {"lines": [line.as_json() for line in self.queue]}
        if self.lost:
            message["lost"] = self.lost
        self.queue.clear()
        self.lost = 0
        await self.send(json.dumps(message))

    async def _end(self, sentence: str, code: int) -> None:
        await self.send(json.dumps({"error": sentence}))
        await self.close(code)


def _secrets(live: Deployment) -> frozenset[str]:
    """Return what to mask; a target may send its token back. Raises DeployError."""
    account = account_of(live.target or default_target())
    return secrets_of_workflow(live.workflow_public_id) | {account.api_token}
