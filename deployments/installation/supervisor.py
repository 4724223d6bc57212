"""Starts and stops the servers of an installation on one machine."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from toolchain import process

_PROJECT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0


class Installation(Protocol):
    """The settings: which servers to start, and on which ports."""

    port: int
    local_cloudflare_port: int

    @property
    def offers_local_cloudflare(self) -> bool: ...


class CannotStart(Exception):
    """A server cannot start, or has stopped; the message says what to do."""


def check_ports(config: Installation) -> None:
    """Raise CannotStart if a port is in use, naming the variable to change it."""
    ports = {"AWAITSTEP_PORT": config.port}
    if config.offers_local_cloudflare:
        ports["AWAITSTEP_LOCAL_CLOUDFLARE_PORT"] = config.local_cloudflare_port
    for variable, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                raise CannotStart(_port_in_use(variable, port)) from None


def _port_in_use(variable: str, port: int) -> str:
    return (
        f"Port {port} is in use. If AwaitStep is already running, there is nothing to do. If another "
        f"program uses it, stop that program or choose another port: {variable}={port + 1} make run"
    )


class Servers:
    """A context manager that runs the embedded platform and the web server as processes."""

    def __init__(self, config: Installation) -> None:
        self._config = config
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Servers:
        try:
            self._start_all()
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop_all()

    def _start_all(self) -> None:
        config = self._config
        if config.offers_local_cloudflare:
            command = ["manage.py", "local_cloudflare"]
            self._start("The embedded platform", command, port=config.local_cloudflare_port)
        options = ["-v", "0", "-b", "127.0.0.1", "-p", str(config.port), "--no-server-name"]
        command = ["-m", "awaitstep_site.server", *options]
        self._start("The web server", command, port=config.port)

    def _start(self, name: str, command: list[str], *, port: int) -> None:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        arguments = [sys.executable, *command]
        self._running[name] = process.start(
            arguments, cwd=_PROJECT, env=env, stdout=None, stderr=None
        )
        until = time.monotonic() + _READY_SECONDS
        while not _answers(port):
            self.check()
            if time.monotonic() > until:
                raise CannotStart(f"{name} did not answer on port {port} in time.")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise CannotStart if a server has ended."""
        for name, server in self._running.items():
            code = server.poll()
            if code is not None:
                raise CannotStart(f"{name} has ended (exit code {code}). Its output is above.")

    def wait(self, *, until: Callable[[], bool]) -> None:
        """Wait until the condition is true; raises CannotStart if a server ends."""
        while not until():
            self.check()
            time.sleep(0.5)

    def _stop_all(self) -> None:
        """Stop the web server first, because it may be deploying to the platform."""
        while self._running:
            _, server = self._running.popitem()
            _stop(server)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
