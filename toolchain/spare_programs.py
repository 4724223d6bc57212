"""Spare programs: processes that have loaded a Node.js program, and wait for one command.

Loading wrangler takes longer than most of what it is asked to do. A spare is a process of its own for
each use: it becomes the program that the command describes, with the same limits as any other.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from toolchain import process
from toolchain.node_tools import DATA_LIMIT, NODE, TOOLCHAIN
from toolchain.process import NETWORK_VARIABLES, PROXY_VARIABLES, ProgramResult

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 600.0
_PRELOADED: Final = TOOLCHAIN / "spare_program.cjs"
_PATIENCE: Final = 30.0  # seconds for a spare to finish loading, and to accept its command
_READY: Final = b"R"
_ACCEPTED: Final = b"A"


class _Unusable(Exception):
    """The spare has not started its command, and never will; the message says why."""


class _Spare:
    """A process that is waiting for a command, or still loading. It ends when its socket is closed."""

    def __init__(self, program: Path, env: Mapping[str, str]) -> None:
        self._env = env
        self.files = _identity(program)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self.process = process.start(
                [NODE, "--require", _PRELOADED, program],
                cwd=TOOLCHAIN,
                env=env,
                data_limit=DATA_LIMIT,
                stdin=theirs.fileno(),
            )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def fits(self, env: Mapping[str, str]) -> bool:
        """Whether it was started with the network settings of `env`, which programs read when they load.

        It may know certificates that `env` lacks, but no proxy, which may have a password.
        """
        names = [name for name in NETWORK_VARIABLES if name in env or name in PROXY_VARIABLES]
        return all(self._env.get(name) == env.get(name) for name in names)

    def give(self, order: Mapping[str, Any], *, deadline: float) -> None:
        """Turn it into the program; raises _Unusable, and ProgramStopped like `process.run`."""
        self._expect(_READY, min(deadline, time.monotonic() + _PATIENCE))
        self._send(json.dumps(order).encode() + b"\n")
        try:
            self._expect(_ACCEPTED, time.monotonic() + _PATIENCE)
        except _Unusable:
            _kill_group(self.process.pid)
            if not self._has_received(_ACCEPTED):
                raise
        self._socket.close()

    def _send(self, line: bytes) -> None:
        self._socket.settimeout(_PATIENCE)
        try:
            self._socket.sendall(line)
        except OSError:
            raise _Unusable("it has ended") from None

    def _expect(self, mark: bytes, deadline: float) -> None:
        while not self._has_received(mark, process.next_pause(deadline)):
            process.check_stopped()
            if time.monotonic() >= deadline:
                raise _Unusable("it did not respond in time")

    def _has_received(self, mark: bytes, seconds: float = 0.0) -> bool:
        """Whether the mark arrives within this time; raises _Unusable if it cannot anymore."""
        self._socket.settimeout(seconds)
        try:
            received = self._socket.recv(1)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            received = b""
        if received != mark:
            raise _Unusable("it has ended")
        return True

    def end(self) -> None:
        self._socket.close()
        process.kill(self.process)


class Spares:
    """Runs a Node.js program, in a spare process if one waits.

    `prepare` starts up to `limit` spares in the background, with the environment `env`, which must not
    contain secrets. They end with this process, and IDLE_SECONDS after the last `prepare`.
    """

    def __init__(
        self,
        limit: int,
        program: Path,
        *,
        env: Mapping[str, str],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._limit = limit
        self._program = program
        self._env = dict(env)
        self._idle_seconds = idle_seconds
        self._waiting: list[_Spare] = []
        self._lock = threading.Lock()
        self._requests: SimpleQueue[None] = SimpleQueue()
        self._keeper: threading.Thread | None = None

    @property
    def waiting(self) -> list[int]:
        """The process ids of the spares that are waiting for a command, or still loading."""
        with self._lock:
            return [spare.process.pid for spare in self._waiting]

    def prepare(self) -> None:
        """Let spares be started, so that the next uses are faster; returns immediately."""
        if not self._limit:
            return
        with self._lock:
            if self._keeper is None:
                # On Linux a program ends with the thread that started it, so this one never ends.
                self._keeper = threading.Thread(target=self._keep, name="spares", daemon=True)
                self._keeper.start()
        self._requests.put(None)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        on_start: Callable[[int], None] | None = None,
        refill: bool = False,
    ) -> ProgramResult:
        """Run the program like `process.run`, with a limit of DATA_LIMIT.

        With `refill`, a used spare is replaced immediately, because the program is soon used again.
        """
        since = time.monotonic()
        spare = self._take(env)
        if spare and refill:
            self.prepare()
        argv = [str(part) for part in arguments]
        order = {"argv": argv, "cwd": str(cwd), "env": dict(env)}
        if spare and _has_started(spare, order, deadline=since + timeout, on_start=on_start):
            return process.wait(spare.process, since=since, timeout=timeout)
        return process.run(
            [NODE, self._program, *argv],
            cwd=cwd,
            env=env,
            timeout=timeout,
            data_limit=DATA_LIMIT,
            on_start=on_start,
        )

    def _take(self, env: Mapping[str, str]) -> _Spare | None:
        """Return the oldest spare that can be used with this environment."""
        with self._lock:
            self._remove_unusable()
            usable = [spare for spare in self._waiting if spare.fits(env)]
            if usable:
                self._waiting.remove(usable[0])
        return usable[0] if usable else None

    def _remove_unusable(self) -> None:
        files = _identity(self._program)
        for spare in [each for each in self._waiting if each.has_ended or each.files != files]:
            reason = "its program has changed" if spare.files != files else "it has ended"
            logger.info("the spare process %s is not used: %s", spare.process.pid, reason)
            self._waiting.remove(spare)
            spare.end()

    def _keep(self) -> None:
        """Start what is missing when asked to, and end the spares when nobody has asked for a while."""
        while True:
            try:
                self._requests.get(timeout=self._idle_seconds if self._waiting else None)
            except Empty:
                self.end()
            else:
                self._start_missing()

    def _start_missing(self) -> None:
        with self._lock:
            self._remove_unusable()
            missing = self._limit - len(self._waiting)
        for _ in range(missing):
            try:
                spare = _Spare(self._program, self._env)
            except OSError as error:
                logger.warning("cannot start a spare process: %s", error)
                return
            with self._lock:
                self._waiting.append(spare)

    def end(self) -> None:
        """End the spares that wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for spare in waiting:
            spare.end()


def _has_started(
    spare: _Spare,
    order: Mapping[str, Any],
    *,
    deadline: float,
    on_start: Callable[[int], None] | None,
) -> bool:
    """Give the spare its command; end it and return False if it cannot be used."""
    try:
        if on_start:
            on_start(spare.process.pid)
        spare.give(order, deadline=deadline)
    except _Unusable as reason:
        logger.warning("the spare process %s is not used: %s", spare.process.pid, reason)
        spare.end()
        return False
    except BaseException:
        spare.end()
        raise
    return True


def _identity(program: Path) -> list[tuple[int, ...]]:
    """Return values that change when the program or Node.js is replaced."""
    files = (path.stat() for path in (program, NODE) if path.exists())
    return [(each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in files]


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
