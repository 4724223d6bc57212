"""Runs the checks for everyone who asks, at most once a second, and never waits long for any of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from monitoring.background import Background
from monitoring.checks import Check, NotReady

logger = logging.getLogger(__name__)

CACHE_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 2.0  # how long a check may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a check ended; `detail` is for staff, `error` is an unexpected one."""

    is_ok: bool
    detail: str
    error: Exception | None = None


Results = Mapping[str, Result]


class Readiness:
    """The results of the checks, shared by all requests of a moment. Use it in one event loop."""

    def __init__(
        self, checks: Mapping[str, Check], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._probes = {name: _Probe(check) for name, check in checks.items()}
        self._clock = clock
        self._task: asyncio.Task[Results] | None = None
        self._finished_at = 0.0
        self._failed: set[str] = set()

    async def results(self) -> Results:
        """Return the results by the name of the check, at most CACHE_SECONDS old."""
        if self._task is None or (self._task.done() and self._is_old()):
            self._task = asyncio.ensure_future(self._run())
        return await asyncio.shield(self._task)

    def _is_old(self) -> bool:
        return self._clock() - self._finished_at >= CACHE_SECONDS

    async def _run(self) -> Results:
        results = await asyncio.gather(*(probe.result() for probe in self._probes.values()))
        self._finished_at = self._clock()
        named = dict(zip(self._probes, results, strict=True))
        self._log_changes(named)
        return named

    def _log_changes(self, results: Results) -> None:
        """Log once when another check fails, not with each request."""
        failed = {name: result for name, result in results.items() if not result.is_ok}
        if failed.keys() == self._failed:
            return
        self._failed = set(failed)
        if not failed:
            logger.info("ready again")
            return
        errors = [result.error for result in failed.values() if result.error]
        reasons = "; ".join(f"{name}: {result.detail}" for name, result in failed.items())
        logger.warning("not ready: %s", reasons, exc_info=errors[0] if errors else None)


class _Probe:
    """A check that fails if it hangs."""

    def __init__(self, check: Check) -> None:
        self._call = Background(partial(_result_of, check))

    async def result(self) -> Result:
        try:
            return await self._call.result(seconds=CHECK_SECONDS)
        except TimeoutError:
            return Result(is_ok=False, detail=f"No result within {CHECK_SECONDS:.0f} s.")


def _result_of(check: Check) -> Result:
    try:
        return Result(is_ok=True, detail=check())
    except NotReady as reason:
        return Result(is_ok=False, detail=str(reason))
    except Exception as error:  # noqa: BLE001 - any error means that the server is not ready
        detail = f"{type(error).__name__}. The server log has the details."
        return Result(is_ok=False, detail=detail, error=error)
