"""The WebSocket of an editor's code fields or files, which uses the Language Server Protocol.

Its messages are those of `protocol`, and `awaitstep/status`: {"message": ...}, "" if all is well.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from channels.db import database_sync_to_async

from web.streams.access import StreamAccess
from web.streams.listener import RIGHTS_CHECK_SECONDS
from web.streams.sockets import TOO_MANY, StaffSocket
from workflows.code_socket import drafts
from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server.protocol import (
    FAILED,
    NOT_AVAILABLE,
    Editor,
    Refused,
    read_message,
)
from workflows.compilation.language_server.server_session import Unavailable
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

logger = logging.getLogger(__name__)

_QUIET_SECONDS: Final = 0.05  # without a change before problems are collected
_MAX_WAITING: Final = 200  # messages
_PER_SECOND: Final = 60  # messages on average, with bursts of twice as many
_CANCELLED: Final = -32800
_FORBIDDEN: Final = 4403
_NOT_FOUND: Final = 4404


def may_edit(user: User | AnonymousUser) -> bool:
    """Return whether the user may see the code of workflows on a page that edits it."""
    permissions = (f"workflows.{action}_workflow" for action in ("change", "view"))
    return user.is_active and user.is_staff and any(map(user.has_perm, permissions))


_ACCESS: Final = StreamAccess(
    address="/workflows/<workflow>/language/",
    permission="workflows.view_workflow",
    may_read=may_edit,
)


class LanguageConsumer(StaffSocket):
    """One editor of one workflow."""

    async def connect(self) -> None:
        self.editor: Editor | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MAX_WAITING)
        self.cancelled: set[object] = set()
        self.changed = asyncio.Event()
        self.allowance, self.counted_at = 2.0 * _PER_SECOND, monotonic()
        self.is_well = True
        self.workflow_id = self.scope["url_route"]["kwargs"]["workflow"]
        await self.accept()
        author = await _ACCESS.opened_by(self.scope)
        if author is None:
            await self._end("Log in as a user with permission to view workflows.", _FORBIDDEN)
            return
        if refusal := self.take_place(author):
            await self._end(refusal, TOO_MANY)
            return
        workflow = await database_sync_to_async(self._workflow)()
        if workflow is None:
            await self._end("This workflow no longer exists.", _NOT_FOUND)
            return
        self.editor = drafts.enter(self.workflow_id, is_project=workflow.is_project, author=author)
        self.tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._answer_all(self.editor),
                self._report_problems(self.editor),
                self._check_rights(),
            )
        ]

    def _workflow(self) -> Workflow | None:
        return Workflow.objects.filter(pk=self.workflow_id).first()

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.editor:
            self.editor = None
            drafts.POOL.leave(self.workflow_id)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.editor is None:
            return
        try:
            message = read_message(text_data or "")
        except Refused:
            return
        if message["method"] == "$/cancelRequest":
            if len(self.cancelled) < _MAX_WAITING:
                self.cancelled.add(_hashable(message.get("params", {}).get("id")))
        elif self._is_too_fast() or self.waiting.full():
            await self._end("Too many messages. The page will reconnect in a moment.", TOO_MANY)
        else:
            self.waiting.put_nowait(message)

    def _is_too_fast(self) -> bool:
        now = monotonic()
        earned = (now - self.counted_at) * _PER_SECOND
        self.allowance = min(self.allowance + earned, 2.0 * _PER_SECOND) - 1
        self.counted_at = now
        return self.allowance < 0

    async def _answer_all(self, editor: Editor) -> None:
        """Handle the messages in their order; a request that was cancelled in the meantime is skipped."""
        while True:
            message = await self.waiting.get()
            number = _hashable(message.get("id"))
            if number is not None and number in self.cancelled:
                self.cancelled.discard(number)
                await self._reply(number, error=Refused(_CANCELLED, "cancelled"))
                continue
            try:
                await self._handle(editor, message)
            except Refused as refused:
                await self._reply(number, error=refused)
            except Exception:
                logger.exception("could not answer a request for completion")
                await self._reply(number, error=Refused(FAILED, NOT_AVAILABLE))

    async def _handle(self, editor: Editor, message: Mapping[str, Any]) -> None:
        method, params = message["method"], message.get("params", {})
        if "id" not in message:
            if editor.notify(method, params):
                self.changed.set()
            return
        try:
            result = await editor.answer(method, params)
        except Refused as refused:
            if str(refused) == NOT_AVAILABLE:
                await self._show_state(is_well=False)
            raise
        await self._reply(_hashable(message["id"]), result=result)
        if method != "initialize":
            await self._show_state(is_well=True)

    async def _report_problems(self, editor: Editor) -> None:
        """Send the problems of all fields as soon as nothing has changed for a moment."""
        while True:
            await self.changed.wait()
            while self.changed.is_set():
                self.changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), _QUIET_SECONDS)
            try:
                found = await editor.diagnostics()
            except Unavailable:
                await self._show_state(is_well=False)
                continue
            except Exception:
                logger.exception("could not look for problems in code fields")
                continue
            if not self.changed.is_set():
                await self._publish(editor, found)
            if found:  # files of projects have no problems here
                await self._show_state(is_well=True)

    async def _publish(self, editor: Editor, found: Mapping[SlotKey, list[dict[str, Any]]]) -> None:
        for key, problems in found.items():
            params: dict[str, Any] = {
                "uri": editor.documents.address_of(key),
                "diagnostics": problems,
            }
            if key in editor.versions:  # otherwise, the page might have a newer text
                params["version"] = editor.versions[key]
            await self._notify("textDocument/publishDiagnostics", params)

    async def _check_rights(self) -> None:
        while True:
            await asyncio.sleep(RIGHTS_CHECK_SECONDS)
            if not await _ACCESS.may_stay(self.scope):
                await self._end("You no longer have permission to view workflows.", _FORBIDDEN)
                return

    async def _show_state(self, *, is_well: bool) -> None:
        if is_well != self.is_well:
            self.is_well = is_well
            await self._notify("awaitstep/status", {"message": "" if is_well else NOT_AVAILABLE})

    async def _reply(
        self, number: object, *, result: Any = None, error: Refused | None = None
    ) -> None:
        if number is None:
            return
        refusal = {"code": error.code, "message": str(error)} if error else None
        await self._send({"id": number, **({"error": refusal} if refusal else {"result": result})})

    async def _notify(self, method: str, params: Mapping[str, Any]) -> None:
        await self._send({"method": method, "params": params})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.send(json.dumps({"jsonrpc": "2.0", **message}))

    async def _end(self, sentence: str, code: int) -> None:
        await self._notify("awaitstep/status", {"message": sentence})
        await self.close(code)


def _hashable(number: object) -> int | str | None:
    """Return the id of a request, which is a number or a string."""
    return number if isinstance(number, int | str) else None
