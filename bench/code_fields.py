"""Code fields: how long a person waits while typing, with a real language server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.figures import table
from bench.graphs import SHAPES
from tests.workflows.compilation.language_server.editors import Draft, Page, open_page, open_pool
from tests.workflows.ir.documents import chain, node
from workflows.compilation.language_server.protocol import Refused

SMALL = chain(
    node("files", code="return { inputParams: event, files: ['a.pdf'] };"),
    *(node(f"n{number}", code="return files.files.length;") for number in range(4)),
    node("last"),
)
METHOD = """
Method: "first" opens a field, starts a language server and completes `files.`; "later" types one more
character and completes again; "problems" types a character and gets the problems of the field. Elapsed
seconds in the server's process, without the network, without the 0.15 seconds that the page and the
server wait for the last key, after a warm-up round. The goals are 0.5, 0.1 and 0.15 (0.3 in all)."""
EDITORS, SERVERS, SERVER_MEMORY = 30, 10, 60  # SERVER_MEMORY is in MB
METHOD_OF_MEMORY = """
Method: 30 editors of 30 drafts each complete once, within the default limit of 10 language servers. Then
the resident sets of all servers are added up; docs/settings.md promises about 60 MB for each."""
GOALS = {"first completion": 0.5, "later completion": 0.1, "problems": 0.15}


def measure(*, rounds: int) -> None:
    """Time completion and problems in a small document and in one with 200 nodes."""
    print(METHOD)
    large = SHAPES["chain"](200)
    for name, document, node_id in (
        ("6 nodes", SMALL, "last"),
        ("200 nodes", large, large["nodes"][-1]["id"]),
    ):
        found = [
            asyncio.run(_round(document, node_id, large["nodes"][0]["id"]))
            for _ in range(rounds + 1)
        ][1:]
        seconds = {row: [each[row] for each in found] for row in GOALS}
        table(f"{name}, elapsed seconds", seconds)
        memory = max(each["memory"] for each in found)
        print(f"  memory of a language server: {memory:.0f} MB (resident set)")
        for row, goal in GOALS.items():
            worst = max(seconds[row])
            verdict = "kept" if worst <= goal else "EXCEEDED"
            print(f"  {row}: at most {worst:.3f} s (goal {goal:g}: {verdict})")
    print(METHOD_OF_MEMORY)
    asyncio.run(_many_editors())


async def _many_editors() -> None:
    async with open_pool(limit=SERVERS) as pool:
        pages = [open_page(pool, Draft(SMALL), f"draft {number}") for number in range(EDITORS)]
        for page in pages:
            page.type("last", "return files.|")
            with suppress(Refused):  # the others are in use
                await page.completions("last")
        running = [page for page in pages if page.editor.session.is_running]
        memory, bound = sum(map(_memory, running)), SERVERS * SERVER_MEMORY
    verdict = "kept" if len(running) <= SERVERS and memory <= bound else "EXCEEDED"
    print(f"  {EDITORS} editors: {len(running)} servers, {memory:.0f} MB (goal {bound}: {verdict})")


async def _round(document: Any, node_id: str, first: str) -> dict[str, float]:
    name = "files" if document is SMALL else first
    async with open_pool() as pool:
        page = open_page(pool, Draft(document))

        async def complete() -> None:
            if not await page.completions(node_id):
                raise AssertionError("nothing was offered")

        page.type(node_id, f"return {name}.|")
        found = {"first completion": await _seconds(complete)}
        page.type(node_id, f"return  {name}.|")
        found["later completion"] = await _seconds(complete)
        page.type(node_id, f"return {name}.nope|")
        found["problems"] = await _seconds(page.editor.diagnostics)
        return {**found, "memory": _memory(page)}


async def _seconds(work: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def _memory(page: Page) -> float:
    """Return the resident memory of the server in megabytes."""
    server = page.editor.session.server
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) if server else 0
    return pages * 4096 / 1e6
