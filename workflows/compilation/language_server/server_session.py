"""One language server that several editors share: turns, failures, pauses, and the end of its process."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server import allowed_answers
from workflows.compilation.language_server.module_document import Fields, FieldText, Spot
from workflows.compilation.language_server.server_process import (
    LanguageServer,
    NoAnswer,
    ServerFailed,
)
from workflows.compilation.language_server.slow_texts import SlowTexts
from workflows.compilation.language_server.turns import Turns

logger = logging.getLogger(__name__)

_CHECK_SECONDS: Final = 1.0  # seconds between checks for a change of the draft
_FIRST_PAUSE: Final = 1.0  # seconds before a failed server is restarted; doubled after each failure
_LONGEST_PAUSE: Final = 60.0
_SHORT: Final = 500  # characters; shorter code does not make a server run out of memory
_T = TypeVar("_T")


class Unavailable(Exception):
    """The language server cannot answer at the moment."""


@dataclass(slots=True)
class _Restarts:
    """Keeps a user with whose code servers keep failing from using up the time of the others."""

    clock: Callable[[], float]
    pause: float = 0.0
    failed_at: float = float("-inf")

    def failed(self) -> None:
        """Record a failure; after the first failure in a while, there is no pause."""
        now = self.clock()
        is_repeated = now - self.failed_at < 2 * _LONGEST_PAUSE
        self.pause = min(max(_FIRST_PAUSE, 2 * self.pause), _LONGEST_PAUSE) if is_repeated else 0
        self.failed_at = now

    @property
    def is_allowed(self) -> bool:
        return self.clock() >= self.failed_at + self.pause


@dataclass(eq=False, kw_only=True)
class ServerSession(ABC):
    """Answers requests from all editors of a draft, one after the other; their users take turns.

    `open_folder` returns a private folder that exists until the stack is closed. `admit` makes room
    for another server, or raises Unavailable. `threads` are turns for what is computed in this process.
    """

    open_folder: Callable[[ExitStack], Path]
    admit: Callable[[ServerSession], Awaitable[None]]
    clock: Callable[[], float]
    threads: Turns = field(default_factory=Turns)
    editors: int = 0
    used_at: float = 0.0
    used_by: object = None
    server: LanguageServer | None = None
    _turns: Turns = field(default_factory=Turns)
    _files: ExitStack = field(default_factory=ExitStack)
    _revision: str = ""
    _checked_at: float = float("-inf")
    _items: list[dict[str, Any]] = field(default_factory=list)
    _list: int = 0
    _restarts: dict[object, _Restarts] = field(default_factory=dict)
    _slow: SlowTexts = field(init=False)

    def __post_init__(self) -> None:
        self._slow = SlowTexts(self.clock)

    @property
    def is_running(self) -> bool:
        return self.server is not None and self.server.is_running

    @abstractmethod
    async def completion(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return completion items for a position, with the offsets that they replace."""

    @abstractmethod
    async def hover(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the type and the documentation of a name, and its offsets."""

    @abstractmethod
    async def signature_help(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the signatures of the function whose arguments are being written."""

    @abstractmethod
    async def definition(self, fields: Fields, offset: int) -> Spot | None:
        """Return where a name is declared, if that is in the draft."""

    @abstractmethod
    async def rename(self, fields: Fields, offset: int, name: str) -> list[dict[str, Any]] | None:
        """Return the edits that rename a name, if only this text has it."""

    @abstractmethod
    async def problems(
        self, texts: Mapping[SlotKey, FieldText], author: object = None
    ) -> dict[SlotKey, list[dict[str, Any]]]:
        """Return the diagnostics of the texts of an editor."""

    @abstractmethod
    def _hold_back(self, error: ServerFailed) -> None:
        """Keep the text that the server has probably failed with from the next server."""

    def _for_browser(self, answer: Any) -> Any:
        """Return an answer of the server before paths are removed from its texts."""
        return answer

    @asynccontextmanager
    async def _turn(self, author: object) -> AsyncGenerator[None]:
        """Wait for a turn of the author; raises Unavailable during their pause after failures."""
        async with self._turns.of(author):
            if self.server and not self.server.is_running:
                await self._failed(ServerFailed("the process has ended"))
            self.used_by = self._slow.author = author
            if not self._may_ask:
                raise Unavailable
            yield

    @property
    def _may_ask(self) -> bool:
        """Whether the user whose turn it is has no pause after failures."""
        restarts = self._restarts.get(self.used_by)
        return restarts is None or restarts.is_allowed

    async def _compute(self, function: Callable[[], _T]) -> _T:
        """Call a function in a thread, in a turn of the author whose turn it is here."""
        async with self.threads.of(self.used_by):
            return await asyncio.to_thread(function)

    def _is_due(self) -> bool:
        """Note that the session is used; return whether it is time to look for a change of the draft."""
        self.used_at = self.clock()
        return self.clock() - self._checked_at >= _CHECK_SECONDS or not self.server

    def _listed(self, items: list[dict[str, Any]]) -> int:
        """Remember completion items, which may be described until the next list; return its number."""
        self._items = items
        self._list += 1
        return self._list

    async def describe(
        self, list_: int, number: int, author: object = None
    ) -> dict[str, Any] | None:
        """Return the type and the documentation of an item, if its list is still the latest one."""
        async with self._turn(author):
            is_known = list_ == self._list and 0 <= number < len(self._items)
            if not is_known or not self.is_running:
                return None
            found = self._for_browser(
                await self._request("completionItem/resolve", self._items[number])
            )
            if not isinstance(found, dict):
                return None
            return {
                "detail": allowed_answers.without_paths(found.get("detail") or ""),
                "documentation": allowed_answers.plain_text(found.get("documentation")),
            }

    async def _request(self, method: str, params: Mapping[str, Any]) -> Any:
        if self.server is None:
            raise Unavailable
        try:
            return await self.server.request(method, params)
        except ServerFailed as error:
            self._hold_back(error)
            await self._failed(error)
            raise Unavailable from None

    def _notify(self, method: str, params: Mapping[str, Any]) -> None:
        if self.server is None:
            raise Unavailable
        try:
            self.server.notify(method, params)
        except ServerFailed:
            raise Unavailable from None

    async def _failed(self, error: ServerFailed) -> None:
        logger.warning("a language server failed: %s", error)
        self._restarts.setdefault(self.used_by, _Restarts(self.clock)).failed()
        await self._end()

    async def _new_folder(self) -> Path:
        """Return an empty folder for another server, as soon as there may be one."""
        if not self._may_ask:
            raise Unavailable
        await self.admit(self)
        return self.open_folder(self._files)

    async def _start_in(self, folder: Path) -> None:
        try:
            self.server = await LanguageServer.start(folder)
        except (ServerFailed, OSError) as error:
            await self._failed(ServerFailed(str(error)))
            raise Unavailable from None

    async def end(self) -> None:
        """End the server; the next request starts another one."""
        async with self._turns.of(self):
            await self._end()

    async def _end(self) -> None:
        server, self.server = self.server, None
        self._items = []
        if server:
            await server.stop()
        self._files.close()


def suspects(texts: Mapping[Any, str], error: ServerFailed) -> dict[Any, str]:
    """Return the texts that a server can have failed with: short code only makes it slow."""
    is_slow = isinstance(error, NoAnswer)
    return {key: source for key, source in texts.items() if is_slow or len(source) > _SHORT}


def items_of(found: Any) -> list[dict[str, Any]]:
    """Return completion items in a fixed order, because the server's order varies."""
    items = found.get("items") if isinstance(found, dict) else found
    whole = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return sorted(whole, key=lambda item: (item.get("sortText", ""), item.get("label", "")))


def word_length(text: str, offset: int) -> int:
    """Return how many characters before the offset belong to a name."""
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_$"):
        start -= 1
    return offset - start


def completion_answer(items: list[dict[str, Any]], start: int, end: int) -> dict[str, Any]:
    """Return the items for a browser, and the offsets of what they replace."""
    is_cut = len(items) > allowed_answers.MAX_ITEMS
    return {
        "items": items[: allowed_answers.MAX_ITEMS],
        "start": start,
        "end": end,
        "is_incomplete": is_cut,
    }
