"""Calls functions that may take too long in a separate process, which can be killed.

A parser or a regular expression engine holds the GIL while it works: in this process it would
block every page, and no thread could stop it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

_PROJECT: Final = Path(__file__).resolve().parent.parent
_WORKER: Final = (sys.executable, "-E", "-s", "-W", "ignore", "-m", "toolchain.bounded_worker")
_MAX_WORKERS: Final = 4
_MAX_IDLE: Final = 2
_PATIENCE: Final = 20  # seconds of real time for each second of CPU time, on a busy machine
_START_SECONDS: Final = 30


class TookTooLong(Exception):
    """The call exceeded its limit on CPU time or memory, and its process was killed."""


class CallFailed(Exception):
    """The function raised an exception."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float) -> Any:
    """Return what a module's function returns for these arguments; both are JSON values.

    `seconds` are of CPU time. Raises TookTooLong, and CallFailed if the function raises.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    request = {"function": name, "arguments": arguments, "seconds": seconds}
    with _worker() as worker:
        reply = worker.ask(json.dumps(request), timeout=_START_SECONDS + seconds * _PATIENCE)
    if "error" in reply:
        raise CallFailed(f"{name}: {reply['error']}")
    return reply["result"]


class _Worker:
    """One process, which handles requests one after the other. It ends when its input does."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            _WORKER,
            cwd=_PROJECT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)

    def ask(self, request: str, *, timeout: float) -> dict[str, Any]:
        """Return the reply; raises TookTooLong if the process exited or does not respond in time."""
        try:
            self._input.write(request.encode() + b"\n")
            self._input.flush()
        except BrokenPipeError:
            raise TookTooLong from None
        ready, _, _ = select.select([self._output], [], [], timeout)
        line = self._output.readline() if ready else b""
        if not line.endswith(b"\n"):
            raise TookTooLong
        reply: dict[str, Any] = json.loads(line)
        return reply

    def end(self) -> None:
        """Kill the process and release its pipes."""
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


_idle: list[_Worker] = []
_lock = threading.Lock()
_slots = threading.BoundedSemaphore(_MAX_WORKERS)


@contextmanager
def _worker() -> Iterator[_Worker]:
    """Lend an idle process or a new one; it is killed if the call fails."""
    with _slots:
        with _lock:
            worker = _idle.pop() if _idle else None
        worker = worker or _Worker()
        try:
            yield worker
        except BaseException:
            worker.end()
            raise
        with _lock:
            is_kept = len(_idle) < _MAX_IDLE
            if is_kept:
                _idle.append(worker)
        if not is_kept:
            worker.end()


@atexit.register
def end_workers() -> None:
    """End the idle processes."""
    with _lock:
        workers = _idle[:]
        _idle.clear()
    for worker in workers:
        worker.end()


def _forget_workers() -> None:
    """After a fork: the processes belong to the parent, and a thread that is gone may still hold a lock."""
    global _lock, _slots
    _forgotten.extend(_idle)
    _idle.clear()
    _lock = threading.Lock()
    _slots = threading.BoundedSemaphore(_MAX_WORKERS)


_forgotten: list[_Worker] = []  # kept, because a collected Popen would report a running process
os.register_at_fork(after_in_child=_forget_workers)
