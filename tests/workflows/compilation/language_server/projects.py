"""Projects in tests of the language server, and pages that show their files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.workflows.compilation.language_server.editors import Clock, open_folder, open_pool
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.project_addresses import FILES, address_of
from workflows.compilation.language_server.project_session import ProjectSession
from workflows.compilation.language_server.protocol import Editor
from workflows.compilation.project_folder import ProjectSource

MAIN = "src/index.ts"
FLOW = """\
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { total } from "./sums";
export class Flow extends WorkflowEntrypoint<Env> {
  async run(event: WorkflowEvent<unknown>, step: WorkflowStep) {
    HERE
  }
}
"""
SUMS = """\
// Sums.
export interface Row { price: number; note?: string }
/** Adds prices. */
export function total(rows: Row[]): number { return rows.length; }
"""
FILES_OF_PROJECT = {MAIN: FLOW.replace("HERE", ""), "src/sums.ts": SUMS}


class ProjectDraft:
    """A project in memory; a change of `files` creates a new revision."""

    def __init__(self, files: dict[str, str] | None = None, **settings: Any) -> None:
        self.files = {**FILES_OF_PROJECT, **(files or {})}
        self.settings = {"main": MAIN, "env": {"API_KEY": "string"}, **settings}

    async def revision(self) -> str:
        return repr(self.files)

    async def load(self) -> ProjectSource:
        return ProjectSource(files=dict(self.files), **self.settings)


class ProjectPage:
    """A browser page with files of a project; `|` marks the cursor."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.cursors: dict[str, dict[str, int]] = {}

    @property
    def session(self) -> ProjectSession:
        assert isinstance(self.editor.session, ProjectSession)
        return self.editor.session

    def type(self, text: str, path: str = MAIN) -> None:
        """Replace the text of a file."""
        before, _, after = text.partition("|")
        lines = before.split("\n")
        self.cursors[path] = {"line": len(lines) - 1, "character": len(lines[-1])}
        document = {"uri": address_of(("", path)), "languageId": "typescript"}
        self.editor.notify(
            "textDocument/didOpen", {"textDocument": {**document, "text": before + after}}
        )

    def type_in_run(self, code: str) -> None:
        """Replace the code of the Workflow in the main module."""
        self.type(FLOW.replace("HERE", code))

    async def ask(self, method: str, path: str = MAIN) -> Any:
        """Send a request about the cursor in a file."""
        document = {"uri": address_of(("", path))}
        params = {"textDocument": document, "position": self.cursors[path]}
        return await self.editor.answer(f"textDocument/{method}", params)

    async def completions(self, path: str = MAIN) -> list[str]:
        found = await self.ask("completion", path)
        return [item["label"] for item in found["items"]] if found else []

    async def hover(self, path: str = MAIN) -> str:
        found = await self.ask("hover", path)
        return str(found["contents"]["value"]) if found else ""


def open_project(pool: Pool, draft: ProjectDraft, *, author: object = None) -> ProjectPage:
    """Open a page of the project."""

    def make(pool: Pool) -> ProjectSession:
        return ProjectSession(
            drafts=draft,
            open_folder=open_folder,
            admit=pool.make_room,
            clock=pool.clock,
            threads=pool.threads,
        )

    return ProjectPage(Editor(pool.enter("project", make), author, documents=FILES))


def in_project(
    scenario: Callable[[ProjectPage, ProjectDraft, Clock], Any],
    files: dict[str, str] | None = None,
    **settings: Any,
) -> Any:
    """Run a scenario with one page of a project."""

    async def run() -> Any:
        clock = Clock()
        async with open_pool(clock) as pool:
            draft = ProjectDraft(files, **settings)
            return await scenario(open_project(pool, draft), draft, clock)

    return asyncio.run(run())
