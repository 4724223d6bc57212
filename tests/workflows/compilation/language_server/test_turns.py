"""Users of the language servers take turns: nobody waits for all the work of somebody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
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
from workflows.compilation.language_server import field_code, server_process, session
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.protocol import Refused
from workflows.compilation.language_server.server_session import Unavailable
from workflows.compilation.language_server.turns import Turns

NAMES = [f"n{number}" for number in range(5)]
WORKFLOW = chain(*(node(name, code="return { total: 1 };") for name in NAMES))


async def order_of(turns: Turns, users: str, *, cancelled: str = "") -> str:
    """Let users ask for a turn, one after another, and return the order in which they get it."""
    served: list[str] = []

    async def take(user: str) -> None:
        async with turns.of(user):
            served.append(user)
            await asyncio.sleep(0)

    tasks = {at: asyncio.create_task(take(user)) for at, user in enumerate(users)}
    await asyncio.sleep(0)
    for at, user in enumerate(users):
        if user in cancelled:
            tasks[at].cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    return "".join(served)


@pytest.mark.parametrize(
    ("users", "order"), [("aaaab", "abaaa"), ("aabbc", "abcab"), ("abc", "abc"), ("aaa", "aaa")]
)
def test_the_next_turn_goes_to_who_has_waited_longest(users: str, order: str) -> None:
    assert asyncio.run(order_of(Turns(), users)) == order


def test_who_no_longer_waits_is_skipped() -> None:
    assert asyncio.run(order_of(Turns(), "abcb", cancelled="b")) == "ac"


def test_a_user_has_one_turn_at_a_time_and_leaves_the_others_free() -> None:
    async def scenario() -> None:
        turns = Turns(2)
        async with turns.of("a"):
            again = asyncio.create_task(order_of(turns, "a"))
            assert await order_of(turns, "bc") == "bc"
            assert not again.done()
        assert await again == "a"

    asyncio.run(scenario())


def test_a_turn_that_is_given_to_a_cancelled_task_goes_to_the_next() -> None:
    async def scenario() -> str:
        turns = Turns()
        async with turns.of("a"):
            second = asyncio.create_task(order_of(turns, "b"))
            third = asyncio.create_task(order_of(turns, "c"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        waiting = turns._waiting.copy()
        assert list(waiting) == ["c"]
        second.cancel()
        return await third

    assert asyncio.run(scenario()) == "c"


def in_pool(scenario: Callable[[Pool, Clock], Awaitable[Any]], *, limit: int = 10) -> Any:
    async def run() -> Any:
        clock = Clock()
        async with open_pool(clock, limit=limit) as pool:
            return await scenario(pool, clock)

    return asyncio.run(run())


async def complete(page: Page) -> list[str]:
    page.type("n1", "n0.|")
    return await page.completions("n1")


def test_completion_does_not_wait_for_all_fields_of_somebody_else() -> None:
    async def scenario(pool: Pool, _clock: Clock) -> list[str]:
        draft, done = Draft(WORKFLOW), []
        viewer, author = (open_page(pool, draft, author=user) for user in (1, 2))
        for name in NAMES:
            viewer.type(name, "return mistyped;")

        async def problems() -> None:
            assert "mistyped" in str(await viewer.problems("n4"))
            done.append("problems")

        async def completion() -> None:
            assert await complete(author) == ["total"]
            done.append("completion")

        await asyncio.gather(problems(), completion())
        return done

    assert in_pool(scenario) == ["completion", "problems"]


def test_a_pause_after_failures_concerns_only_their_user(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        draft = Draft(WORKFLOW)
        viewer, author = (open_page(pool, draft, author=user) for user in (1, 2))
        author.type("n1", "return mistyped;")
        assert "mistyped" in str(await author.problems("n1"))
        for name in NAMES[2:]:
            clock.advance(2)
            viewer.type(name, "return slow;")
            with monkeypatch.context() as patch:
                patch.setattr(server_process, "REQUEST_SECONDS", 0)
                with pytest.raises(Unavailable):
                    await viewer.editor.diagnostics()
        with pytest.raises(Refused, match="not available"):
            await complete(viewer)

        assert await complete(author) == ["total"]
        with pytest.raises(Refused, match="not available"):
            await complete(viewer)
        clock.advance(60)
        assert await complete(viewer) == ["total"]

    in_pool(scenario)


def test_slow_code_of_one_user_leaves_threads_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end, parsed = threading.Event(), field_code.parsed

    def slowly(path: str, source: str, *, is_expression: bool) -> Any:
        if "slow" in source:
            assert may_end.wait(60)
        return parsed(path, source, is_expression=is_expression)

    monkeypatch.setattr(session, "parsed", slowly)

    async def scenario(pool: Pool, _clock: Clock) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        slow = [open_page(pool, Draft(WORKFLOW), name, author=1) for name in "abc"]
        for page in slow:
            page.type("n1", "slow.|")
        requests = [asyncio.create_task(page.completions("n1")) for page in slow]
        await asyncio.sleep(0)

        try:
            other = open_page(pool, Draft(WORKFLOW), "d", author=2)
            assert await asyncio.wait_for(complete(other), 30) == ["total"]
        finally:
            may_end.set()
            await asyncio.gather(*requests)

    in_pool(scenario)


def test_a_user_with_many_servers_makes_room_for_another_user() -> None:
    async def scenario(pool: Pool, clock: Clock) -> None:
        drafts = [open_page(pool, Draft(WORKFLOW), name, author=1) for name in "abc"]
        for page in drafts[:2]:
            await complete(page)
            clock.advance(1)
        other = open_page(pool, Draft(WORKFLOW), "d", author=2)

        assert await complete(other) == ["total"]
        assert [page.editor.session.is_running for page in drafts[:2]] == [False, True]
        with pytest.raises(Refused, match="not available"):
            await complete(drafts[2])

    in_pool(scenario, limit=2)
