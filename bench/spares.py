"""Deploys with and without a spare process of wrangler, and the memory of one that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import httpx
import psutil

from bench.figures import ratio, table
from bench.timed_deploy import TimedDeploy, timed_deploy
from tests.support.installation import Installation

MEMORY_METHOD: Final = """\
Method: of the process of wrangler that waits after the last deploy, the resident memory, and the part of
it that no other process shares."""
METHOD: Final = """\
"with a spare" starts once the spare process of wrangler has loaded, about a second after the deploy
before; "without" is AWAITSTEP_SPARE_WRANGLERS=0. No spare loads while anything is measured."""
_QUIET_SECONDS: Final = 0.3
_READY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two installations that differ in whether their servers have a spare process."""

    with_spare: Installation
    without: Installation

    @contextmanager
    def clients(self) -> Iterator[tuple[httpx.Client, httpx.Client]]:
        with self.with_spare.client() as first, self.without.client() as second:
            yield first, second


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One deploy of each installation, and the wall time of npx."""

    with_spare: TimedDeploy
    without: TimedDeploy
    npx: float


def timed_deploys(
    pair: Pair, clients: tuple[httpx.Client, httpx.Client], workflows: tuple[str, str]
) -> tuple[TimedDeploy, TimedDeploy]:
    """Deploy once with and once without a spare; afterwards the next spare has loaded."""
    with_spare = timed_deploy(clients[0], workflows[0])
    wait_until_ready(pair.with_spare)
    return with_spare, timed_deploy(clients[1], workflows[1])


def print_rounds(
    kind: str, rounds: Sequence[Round], *, limit: float, limit_without: float | None = None
) -> None:
    """Print the times, and their ratios to npx."""
    fast = [each.with_spare.seconds for each in rounds]
    slow = [each.without.seconds for each in rounds]
    bare = [each.npx for each in rounds]
    times = {"with a spare": fast, "without": slow, "npx wrangler deploy": bare}
    table(f"{kind}, request to COMPLETED, seconds", times)
    ratio("with a spare / npx", fast, bare, limit=limit)
    ratio("without / npx", slow, bare, limit=limit_without)


def wait_until_ready(installation: Installation) -> None:
    """Wait until the server's spare has loaded and uses no processor time anymore."""
    deadline = time.monotonic() + _READY_SECONDS
    used = -1.0
    while used != (used := _cpu_seconds(installation)) or not used:
        if time.monotonic() > deadline:
            raise RuntimeError("the server has no spare process of wrangler that has loaded")
        time.sleep(_QUIET_SECONDS)


def print_memory(installation: Installation) -> None:
    """Print the memory of a waiting spare."""
    for spare in _spares(installation):
        memory = spare.memory_full_info()
        resident, own = memory.rss / 1e6, memory.uss / 1e6
        print(f"\n{MEMORY_METHOD}\n  resident {resident:.0f} MB, not shared {own:.0f} MB")


def _cpu_seconds(installation: Installation) -> float:
    total = 0.0
    for spare in _spares(installation):
        with suppress(psutil.NoSuchProcess):
            times = spare.cpu_times()
            total += times.user + times.system
    return total


def _spares(installation: Installation) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_spare = any("spare_program.cjs" in argument for argument in process.cmdline())
            if is_spare and process.environ()["HOME"].startswith(str(installation.data_dir)):
                yield process
