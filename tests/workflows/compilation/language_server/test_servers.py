"""How language servers are started, shared, limited, replaced and ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.workflows.compilation.language_server.editors import (
    Clock,
    Draft,
    Page,
    open_page,
    open_pool,
)
from tests.workflows.ir.documents import chain, node
from workflows.compilation.language_server import server_process
from workflows.compilation.language_server.pool import LINGER_SECONDS, Pool
from workflows.compilation.language_server.protocol import Editor, Refused
from workflows.compilation.language_server.server_session import Unavailable

WORKFLOW = chain(node("files", code="return { total: 1 };"), node("use", code="return 1"))


def in_pool(scenario: Callable[[Pool, Clock], Awaitable[Any]], *, limit: int = 10) -> Any:
    async def run() -> Any:
        clock = Clock()
        async with open_pool(clock, limit=limit) as pool:
            return await scenario(pool, clock)

    return asyncio.run(run())


async def complete(page: Page) -> list[str]:
    page.type("use", "files.|")
    return await page.completions("use")


def process_of(page: Page) -> int:
    server = page.editor.session.server
    assert server is not None
    return server.pid


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def settle() -> None:
    """Wait until the tasks that the clock has started are done."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*(task for task in tasks if "end" in repr(task.get_coro())))


def test_a_server_starts_with_the_first_request() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> tuple[bool, bool]:
        page = open_page(pool, Draft(WORKFLOW))
        before = page.editor.session.is_running
        await complete(page)
        return before, page.editor.session.is_running

    assert in_pool(scenario) == (False, True)


def test_two_editors_of_a_draft_share_a_server_and_keep_their_own_texts() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        ada, bob = open_page(pool, draft), open_page(pool, draft)
        ada.type("files", "return { mine: 1 };")
        bob.type("files", "return { his: 1 };")

        assert await complete(ada) == ["mine"]
        assert await complete(bob) == ["his"]
        assert await complete(ada) == ["mine"]
        assert process_of(ada) == process_of(bob)

    in_pool(scenario)


def test_a_saved_change_of_the_draft_is_seen_without_a_new_server() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        page = open_page(pool, draft)
        await complete(page)
        first = process_of(page)
        draft.document = chain(node("files", code="return { saved: 1 };"), node("use"))
        clock.advance(2)

        assert await complete(page) == ["saved"]
        assert process_of(page) == first

    in_pool(scenario)


def test_a_draft_that_stops_being_a_tree_keeps_its_types() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        page = open_page(pool, draft)
        await complete(page)
        draft.document = {**WORKFLOW, "edges": [{"id": "e", "source": "use", "target": "use"}]}
        clock.advance(2)

        assert await complete(page) == ["total"]

    in_pool(scenario)


def test_a_server_ends_a_minute_after_the_last_editor_has_closed() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        page, other = open_page(pool, draft), open_page(pool, draft)
        await complete(page)
        pid = process_of(page)
        pool.leave("draft")
        clock.advance(LINGER_SECONDS)
        await settle()
        assert exists(pid)

        pool.leave("draft")
        clock.advance(LINGER_SECONDS - 1)
        await settle()
        assert exists(pid)
        clock.advance(1)
        await settle()
        assert not exists(pid)
        assert not other.editor.session.is_running

    in_pool(scenario)


def test_an_editor_that_opens_again_within_the_minute_keeps_the_server() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        page = open_page(pool, draft)
        await complete(page)
        pool.leave("draft")
        again = open_page(pool, draft)
        clock.advance(LINGER_SECONDS)
        await settle()

        assert exists(process_of(again))

    in_pool(scenario)


def test_the_least_recently_used_server_makes_room() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        first, second = (open_page(pool, Draft(WORKFLOW), name) for name in ("one", "two"))
        await complete(first)
        clock.advance(1)
        await complete(second)
        pid = process_of(first)
        pool.leave("one")
        third = open_page(pool, Draft(WORKFLOW), "three")

        assert await complete(third) == ["total"]
        assert not exists(pid)
        assert second.editor.session.is_running

    in_pool(scenario, limit=2)


def test_servers_in_use_do_not_make_room() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        first = open_page(pool, Draft(WORKFLOW), "one")
        await complete(first)
        second = open_page(pool, Draft(WORKFLOW), "two")
        with pytest.raises(Refused, match="Completion is not available right now"):
            await complete(second)

        clock.advance(LINGER_SECONDS)
        assert await complete(second) == ["total"]
        assert await complete_after_pause(first, clock) == ["total"]

    in_pool(scenario, limit=1)


async def complete_after_pause(page: Page, clock: Clock) -> list[str]:
    clock.advance(LINGER_SECONDS)
    return await complete(page)


def test_a_killed_server_is_restarted() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        await complete(page)
        pid = process_of(page)
        os.killpg(pid, signal.SIGKILL)
        server = page.editor.session.server
        assert server is not None
        await asyncio.gather(*server._tasks)  # they end with the process

        assert await complete(page) == ["total"]
        assert process_of(page) != pid

    in_pool(scenario)


def test_a_server_that_keeps_failing_is_not_restarted_all_the_time() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        await complete(page)
        session = page.editor.session
        for _ in range(3):
            await session._failed(server_process.ServerFailed("killed"))
        with pytest.raises(Refused, match="not available"):
            await complete(page)
        clock.advance(10)

        assert await complete(page) == ["total"]

    in_pool(scenario)


def test_a_stuck_server_is_killed() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        await complete(page)
        pid = process_of(page)
        os.killpg(pid, signal.SIGSTOP)
        server = page.editor.session.server
        assert server is not None
        with pytest.raises(server_process.ServerFailed):
            await server.request("textDocument/hover", {}, seconds=0.05)
        assert not exists(pid)

    in_pool(scenario)


async def hang(page: Page, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the problems of a node, without a response."""
    with monkeypatch.context() as patch:
        patch.setattr(server_process, "REQUEST_SECONDS", 0)
        with pytest.raises(Unavailable):
            await page.problems(node)


def test_a_field_is_not_blamed_for_slow_code_in_another_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = chain(node("files", code="return slow;"), node("use", code="return 1"))

    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(slow)
        page, other = open_page(pool, draft), open_page(pool, draft)
        page.type("use", "return mistyped;")
        await hang(page, "use", monkeypatch)

        assert "Cannot find name 'mistyped'" in str(await page.problems("use"))
        other.type("files", "return slow;")
        await hang(other, "files", monkeypatch)
        clock.advance(2)
        assert "takes too long to check" in str(await other.problems("files"))
        assert "Cannot find name 'mistyped'" in str(await page.problems("use"))

    in_pool(scenario)


def test_a_saved_text_is_blamed_if_everything_else_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        page = open_page(pool, draft)
        page.type("use", "return mistyped;")
        await page.problems("use")
        draft.document = chain(node("files", code="return slow;"), node("use", code="return 1"))
        clock.advance(2)
        await hang(page, "use", monkeypatch)

        assert "Cannot find name 'mistyped'" in str(await page.problems("use"))
        page.type("files", "return slow;")
        assert "takes too long to check" in str(await page.problems("files"))

    in_pool(scenario)


def test_code_that_makes_a_server_hang_is_kept_from_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        page.type("use", "return 1")
        await page.problems("use")
        page.type("use", "return slow;")
        await hang(page, "use", monkeypatch)
        page.type("use", "return slower;")

        messages = [message for _, _, message in await page.problems("use")]
        assert messages == [
            "takes too long to check while you type: split it into shorter and simpler parts"
        ]
        assert await complete(page) == ["total"]  # in much shorter code
        page.type("use", "return slower;")
        clock.advance(300)
        assert "Cannot find name 'slower'" in str(await page.problems("use"))

    in_pool(scenario)


def test_slow_code_of_one_user_does_not_hold_back_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        viewer, author = open_page(pool, draft), open_page(pool, draft)
        viewer.editor.author, author.editor.author = 1, 2
        author.type("use", "return mistyped;")
        await author.problems("use")
        viewer.type("use", "return slow;")
        await hang(viewer, "use", monkeypatch)

        assert "takes too long to check" in str(await viewer.problems("use"))
        assert "Cannot find name 'mistyped'" in str(await author.problems("use"))
        author.type("use", "return slow;")
        assert "takes too long to check" in str(await author.problems("use"))

    in_pool(scenario)


def test_a_message_that_is_not_allowed_is_refused() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        page.type("use", "files.|")
        for method in ("workspace/symbol", "textDocument/references", "textDocument/codeAction"):
            with pytest.raises(Refused, match="is not supported"):
                await page.editor.answer(method, {})
        for address in ("file:///etc/passwd", "node:/a", "node:/a/b/c", "", None, 7):
            with pytest.raises(Refused, match="only the fields"):
                await ask_about(page.editor, address)
        with pytest.raises(Refused, match="not open"):
            await ask_about(page.editor, "node:/files/data.code")
        assert not page.editor.session.is_running

    in_pool(scenario)


async def ask_about(editor: Editor, address: object) -> Any:
    position = {"line": 0, "character": 0}
    params = {"textDocument": {"uri": address}, "position": position}
    return await editor.answer("textDocument/hover", params)


def test_code_that_is_too_long_has_no_completion() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> None:
        page = open_page(pool, Draft(WORKFLOW))
        with pytest.raises(Refused, match="has no completion"):
            page.type("use", "x" * 50_001)

    in_pool(scenario)
