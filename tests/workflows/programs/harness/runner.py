"""The Node.js process that runs modules in workerd, `runner.mjs`."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.support.programs.compile_cache import compile_cache
from toolchain.node_tools import NODE, TOOLCHAIN

SECONDS = 240
_RUNNER = Path(__file__).parent / "runner.mjs"


class _Runner:
    """One process, which does one job after the other. It ends when its input does."""

    def __init__(self) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self._process = subprocess.Popen(
            [NODE, _RUNNER, TOOLCHAIN],
            env=dict(os.environ) | compile_cache(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def do(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the result of each run; fails with the process's errors if there is none."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):  # it has ended; its errors are shown below
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        line = self._process.stdout.readline() if ready else b""
        assert line, self._printed()
        results: list[dict[str, Any]] = json.loads(line)
        return results

    def _printed(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()[-3000:] or f"no result within {SECONDS} seconds"

    def end(self) -> None:
        """Kill the process, and release its pipes and file."""
        self._process.kill()
        with suppress(BrokenPipeError), self._errors, self._process:
            pass


@cache
def _runner() -> _Runner:
    runner = _Runner()
    atexit.register(runner.end)
    return runner


def results_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the result of each of the job's runs; a failure ends the process."""
    runner = _runner()
    try:
        return runner.do(job)
    except BaseException:
        runner.end()
        atexit.unregister(runner.end)
        _runner.cache_clear()
        raise
