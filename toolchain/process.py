"""The one door to other programs: a list of arguments, a made environment, limits, and an end."""

from __future__ import annotations

import ctypes
import os
import re
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

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Where a proxy or a certificate authority of one's own stands between this host and the internet.
NETWORK = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
)
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


_LOOK: Final = 0.2  # seconds between looks whether a program is to be ended


class ProgramStopped(Exception):
    """Somebody asked to end the program, which is gone, with all that it started."""


class ProgramTimeout(Exception):
    """The program was still running at its limit and has been ended, with all that it started."""

    def __init__(self, seconds: float, output: str) -> None:
        super().__init__(f"still running after {seconds:g} seconds")
        self.seconds = seconds
        self.output = output


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramResult:
    """How a program ended: output as text (bytes that are not UTF-8 are replaced), seconds it took."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float


_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Have the programs that the body runs end when the event is set."""
    token = _stop.set(event)
    try:
        yield
    finally:
        _stop.reset(token)


def environment(*, home: Path, **more: str) -> dict[str, str]:
    """Return all that a program may see of us: a path, a home of its own, the way to the network."""
    network = {name: os.environ[name] for name in NETWORK if name in os.environ}
    return {"PATH": _SYSTEM_PATH, "HOME": str(home), "LANG": "C.UTF-8", **network, **more}


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    memory_limit: int | None = None,
    on_start: Callable[[int], None] | None = None,
) -> ProgramResult:
    """Run the program to its end in a session of its own; `memory_limit` is in bytes.

    `on_start` hears the process id, which is the process group's too. Raises ProgramTimeout, and
    ProgramStopped where the event of `stopped_by` is set. The calling thread waits: the program
    dies with the thread that started it (Linux).
    """
    began = time.monotonic()
    process = start(arguments, cwd=cwd, env=env, memory_limit=memory_limit)
    try:
        if on_start:
            on_start(process.pid)
        out, err = _communicate(process, timeout)
    except subprocess.TimeoutExpired:
        out, err = _end(process)
        raise ProgramTimeout(timeout, _text(out + err)) from None
    except BaseException:
        _end(process)
        raise
    seconds = time.monotonic() - began
    return ProgramResult(
        exit_code=process.returncode, stdout=_text(out), stderr=_text(err), seconds=seconds
    )


def _communicate(process: subprocess.Popen[bytes], timeout: float) -> tuple[bytes, bytes]:
    """Wait for the end in short looks, so that a request to stop is heard; raises TimeoutExpired."""
    stop, deadline = _stop.get(), time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        try:
            return process.communicate(timeout=max(left if stop is None else min(left, _LOOK), 0))
        except subprocess.TimeoutExpired:
            if stop and stop.is_set():
                raise ProgramStopped from None
            if time.monotonic() >= deadline:
                raise


def start(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    memory_limit: int | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own; it dies with the calling thread (Linux).

    `stdout` and `stderr` None let it print where this process prints.
    """
    parent = os.getpid()

    def prepare() -> None:
        _die_with(parent)
        if memory_limit:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))

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


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent, also when that is killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill the whole group while its leader is not yet reaped, so that its number is still ours."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()


def _text(data: bytes) -> str:
    return strip_ansi(data.decode("utf-8", errors="replace"))


def strip_ansi(text: str) -> str:
    """Return the text without the codes for colours, which NO_COLOR does not keep from all tools."""
    return _STYLE.sub("", text)
