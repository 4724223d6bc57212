from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import count

import pytest

from monitoring import readiness
from monitoring.checks import Check, NotReady
from monitoring.readiness import CACHE_SECONDS, Readiness, Results


def fails() -> str:
    raise NotReady("The reason.")


def crashes() -> str:
    raise ValueError("/a/path/of/the/server")


def counting(runs: Iterator[int]) -> Check:
    return lambda: f"run {next(runs)}"


def test_each_check_has_its_own_result() -> None:
    found = asyncio.run(Readiness({"a": lambda: "fine", "b": fails, "c": crashes}).results())

    assert {name: (result.is_ok, result.detail) for name, result in found.items()} == {
        "a": (True, "fine"),
        "b": (False, "The reason."),
        "c": (False, "ValueError. The server log has the details."),
    }


def test_requests_of_the_same_second_share_a_run() -> None:
    now, runs = [100.0], count(1)

    async def details() -> list[str]:
        ready = Readiness({"a": counting(runs)}, clock=lambda: now[0])
        found = await asyncio.gather(*(ready.results() for _ in range(50)))
        now[0] += CACHE_SECONDS / 2
        found.append(await ready.results())
        now[0] += CACHE_SECONDS
        found.append(await ready.results())
        return [results["a"].detail for results in found]

    assert asyncio.run(details()) == ["run 1"] * 51 + ["run 2"]


def test_a_check_that_hangs_fails_alone_and_holds_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "CHECK_SECONDS", 0.5)
    is_released, starts = threading.Event(), count()

    def hangs() -> str:
        next(starts)
        is_released.wait()
        return "back"

    async def responses() -> list[Results]:
        clock = count(0.0, 10.0)
        ready = Readiness({"a": hangs, "b": lambda: "fine"}, clock=lambda: next(clock))
        found = [await ready.results() for _ in range(3)]
        is_released.set()
        while not (last := await ready.results())["a"].is_ok:
            pass
        return [*found, last]

    found = asyncio.run(responses())

    assert [results["a"].is_ok for results in found] == [False, False, False, True]
    assert any(results["b"].is_ok for results in found[:3])
    assert found[0]["a"].detail.startswith("No result within")
    assert next(starts) in (1, 2)  # the last request may start another run once the first has ended


def test_a_client_that_goes_away_does_not_end_the_run_for_others() -> None:
    async def detail() -> str:
        ready = Readiness({"a": lambda: "fine"})
        gone, stays = (asyncio.ensure_future(ready.results()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        return (await stays)["a"].detail

    assert asyncio.run(detail()) == "fine"


def test_changes_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter((fails, fails, crashes, lambda: "fine"))

    def check() -> str:
        outcome: Check = next(outcomes)
        return outcome()

    async def ask() -> None:
        clock = count(0.0, 10.0)
        ready = Readiness({"a": check}, clock=lambda: next(clock))
        for _ in range(4):
            await ready.results()

    with caplog.at_level("INFO", logger="monitoring"):
        asyncio.run(ask())

    assert caplog.messages == ["not ready: a: The reason.", "ready again"]
