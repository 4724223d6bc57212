"""Runs external programs: no shell, a minimal environment, limits on time and memory, no core dumps."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from toolchain.nul_characters import without_nul

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROXY_VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)
# Settings of proxies and private certificate authorities, which programs need to reach the internet.
NETWORK_VARIABLES = (*PROXY_VARIABLES, "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_STOP_POLL: Final = 0.2  # seconds between checks for a request to stop


class ProgramStopped(Exception):
    """The program was stopped on request, together with everything that it started."""


class ProgramTimeout(Exception):
    """The program exceeded its time limit and was killed, together with everything that it started."""

    def __init__(self, seconds: float, output: str) -> None:
        super().__init__(f"still running after {seconds:g} seconds")
        self.seconds = seconds
        self.output = output


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramResult:
    """The result of a program: exit code, output (invalid UTF-8 and NUL are replaced), duration in seconds."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float


_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Stop the programs that the body runs when the event is set."""
    token = _stop.set(event)
    try:
        yield
    finally:
        _stop.reset(token)


def environment(*, home: Path, **more: str) -> dict[str, str]:
    """Return a minimal environment: a path, a home folder, network settings, and `more`."""
    network = {name: os.environ[name] for name in NETWORK_VARIABLES if name in os.environ}
    return {"PATH": _SYSTEM_PATH, "HOME": str(home), "LANG": "C.UTF-8", **network, **more}


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    memory_limit: int | None = None,
    data_limit: int | None = None,
    on_start: Callable[[int], None] | None = None,
) -> ProgramResult:
    """Run the program in a session of its own and wait for its end.

    `memory_limit` is in bytes of address space, `data_limit` in bytes of memory of its own.
    `on_start` is called with the process id, which is also the process group's. Raises
    ProgramTimeout, and ProgramStopped when the event of `stopped_by` is set. On Linux the program
    ends with the thread that started it.
    """
    since = time.monotonic()
    process = start(arguments, cwd=cwd, env=env, memory_limit=memory_limit, data_limit=data_limit)
    return wait(process, since=since, timeout=timeout, on_start=on_start)


def wait(
    process: subprocess.Popen[bytes],
    *,
    since: float,
    timeout: float,
    on_start: Callable[[int], None] | None = None,
) -> ProgramResult:
    """Wait for the end of a started program, like `run`; `since` is the monotonic time of its start."""
    try:
        if on_start:
            on_start(process.pid)
        out, err = _communicate(process, since + timeout)
    except subprocess.TimeoutExpired:
        out, err = kill(process)
        raise ProgramTimeout(timeout, _text(out + err)) from None
    except BaseException:
        kill(process)
        raise
    seconds = time.monotonic() - since
    return ProgramResult(
        exit_code=process.returncode, stdout=_text(out), stderr=_text(err), seconds=seconds
    )


def _communicate(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """Wait for the end, checking for requests to stop; raises TimeoutExpired at the deadline."""
    while True:
        try:
            return process.communicate(timeout=next_pause(deadline))
        except subprocess.TimeoutExpired:
            check_stopped()
            if time.monotonic() >= deadline:
                raise


def next_pause(deadline: float) -> float:
    """Return how many seconds to wait before the next `check_stopped`, at most until the deadline."""
    remaining = max(deadline - time.monotonic(), 0)
    return remaining if _stop.get() is None else min(remaining, _STOP_POLL)


def check_stopped() -> None:
    """Raise ProgramStopped if the event of `stopped_by` is set."""
    stop = _stop.get()
    if stop and stop.is_set():
        raise ProgramStopped


def start(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    memory_limit: int | None = None,
    data_limit: int | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own; on Linux it ends with the calling thread.

    With `stdout` or `stderr` None it inherits this process's stream.
    """
    parent = os.getpid()

    def prepare() -> None:
        _end_with_parent(parent)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump of its memory would have secrets
        if memory_limit:
            resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
        if data_limit:
            resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))

    return subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        [str(part) for part in arguments],
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=prepare,
    )


def _end_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, however that happens."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent ended before the call
            os._exit(1)


def kill(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill the whole process group before its leader is reaped, so its id cannot be reused."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()


def _text(data: bytes) -> str:
    return strip_ansi(without_nul(data.decode("utf-8", errors="replace")))


def strip_ansi(text: str) -> str:
    """Return the text without ANSI escape codes; not every tool respects NO_COLOR."""
    return _STYLE.sub("", text)
