"""The servers of an installation on one machine: started together, stopped together."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.tools import process

if TYPE_CHECKING:
    from awaitstep_site.env import Environment

_PROJECT = Path(__file__).resolve().parents[1]
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0


class CannotStart(Exception):
    """A server cannot start, or has ended; the sentence says what to do."""


def check_ports(here: Environment) -> None:
    """Raise CannotStart where a port is in use, naming the variable that chooses another one."""
    ports = {"AWAITSTEP_PORT": here.port}
    if here.offers_local_cloudflare:
        ports["AWAITSTEP_LOCAL_CLOUDFLARE_PORT"] = here.local_cloudflare_port
    for variable, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                raise CannotStart(_port_taken(variable, port)) from None


def _port_taken(variable: str, port: int) -> str:
    return (
        f"Port {port} is in use by another program. Stop that program, or choose another port: "
        f"{variable}={port + 1} make run"
    )


@contextmanager
def servers(here: Environment) -> Iterator[None]:
    """Run the embedded platform and the web server while the body runs."""
    with ExitStack() as running:
        if here.offers_local_cloudflare:
            command = ["manage.py", "local_cloudflare"]
            running.enter_context(_server(command, port=here.local_cloudflare_port))
        daphne = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(here.port)]
        command = [*daphne, "--no-server-name", "awaitstep_site.asgi:application"]
        running.enter_context(_server(command, port=here.port))
        yield


_running: dict[str, subprocess.Popen[bytes]] = {}


@contextmanager
def _server(command: list[str], *, port: int) -> Iterator[None]:
    name = command[1]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    started = process.start([sys.executable, *command], cwd=_PROJECT, env=env, output=None)
    _running[name] = started
    try:
        _wait_for(port, name)
        yield
    finally:
        del _running[name]
        _stop(started)


def _wait_for(port: int, name: str) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        _check_alive()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CannotStart(f"{name} did not answer on port {port} within {_READY_SECONDS:g} seconds.")


def wait() -> None:
    """Return never, unless a server ends: then raise CannotStart."""
    while True:
        _check_alive()
        time.sleep(0.5)


def _check_alive() -> None:
    for name, server in _running.items():
        code = server.poll()
        if code is not None:
            raise CannotStart(f"{name} has ended (exit code {code}): its last words are above.")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
