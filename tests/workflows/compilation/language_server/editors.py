"""Editors of documents in tests: real language servers, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.language_server.draft_module import DraftModule, draft_module
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.protocol import Editor, address_of
from workflows.compilation.language_server.session import Session
from workflows.nodes.built_in import NODE_TYPES


class Draft:
    """A draft in memory; setting `document` creates a new revision."""

    def __init__(self, document: object, **settings: Any) -> None:
        self.document = document
        values = {"class_name": "Flow", "workflow_binding": "WORKFLOW"} | settings
        self.settings = ModuleSettings(**values)

    async def revision(self) -> str:
        return repr(self.document)

    async def load(self) -> DraftModule:
        return draft_module(self.document, self.settings, NODE_TYPES)


def open_folder(files: ExitStack) -> Path:
    return Path(files.enter_context(TemporaryDirectory(prefix="language-")))


class Clock:
    """A clock that tests move, and the calls that wait for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        self.calls.append((self.now + seconds, work))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [work for at, work in self.calls if at <= self.now]
        self.calls = [call for call in self.calls if call[0] > self.now]
        for work in due:
            work()


class Page:
    """A browser page with code fields of one draft; `|` marks the cursor."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.cursors: dict[tuple[str, str], dict[str, int]] = {}

    def type(self, node: str, text: str, path: str = "data.code", language: str = "") -> None:
        """Replace the text of a field."""
        before, _, after = text.partition("|")
        key = (node, path)
        lines = before.split("\n")
        units = len(lines[-1].encode("utf-16-le", "surrogatepass")) // 2
        self.cursors[key] = {"line": len(lines) - 1, "character": units}
        document = {"uri": address_of(key), "languageId": language or "typescript"}
        self.editor.notify(
            "textDocument/didOpen", {"textDocument": {**document, "text": before + after}}
        )

    async def ask(self, method: str, node: str, path: str = "data.code", **more: Any) -> Any:
        """Send a request about the cursor in a field."""
        params = {
            "textDocument": {"uri": address_of((node, path))},
            "position": self.cursors[node, path],
            **more,
        }
        return await self.editor.answer(f"textDocument/{method}", params)

    async def completions(self, node: str, path: str = "data.code") -> list[str]:
        found = await self.ask("completion", node, path)
        return [item["label"] for item in found["items"]] if found else []

    async def problems(self, node: str, path: str = "data.code") -> list[tuple[int, int, str]]:
        """Return line, severity and message of each problem of a field."""
        found = (await self.editor.diagnostics())[node, path]
        return [(each["data"]["line"], each["severity"], each["message"]) for each in found]


@asynccontextmanager
async def open_pool(clock: Clock | None = None, *, limit: int = 10) -> AsyncGenerator[Pool]:
    clock = clock or Clock()
    pool = Pool(limit=lambda: limit, clock=clock, call_later=clock.call_later)
    try:
        yield pool
    finally:
        await pool.close()


def open_page(pool: Pool, draft: Draft, name: str = "draft", *, author: object = None) -> Page:
    """Open a page of a draft; drafts with the same name are the same."""

    def make(pool: Pool) -> Session:
        return Session(
            drafts=draft,
            open_folder=open_folder,
            admit=pool.make_room,
            clock=pool.clock,
            threads=pool.threads,
        )

    return Page(Editor(pool.enter(name, make), author=author))


def in_editor(document: object, scenario: Callable[[Page], Any], **settings: Any) -> Any:
    """Run a scenario with one page of a document."""

    async def run() -> Any:
        async with open_pool() as pool:
            return await scenario(open_page(pool, Draft(document, **settings)))

    return asyncio.run(run())
