"""Starts and stops the servers of an installation on one machine."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from deployments.installation.restart_limit import RestartLimit
from toolchain import platform_outage, process
from toolchain.checkout import PROJECT
from toolchain.commands import START
from toolchain.platform_outage import Outage

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_CHECK_SECONDS = 0.25


class Installation(Protocol):
    """The settings: which servers to start, on which ports, and with which data."""

    data_dir: Path
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
        f"program uses it, stop that program or choose another port: {variable}={port + 1} {START}"
    )


class Server:
    """One process that listens on a port, and is restarted when it exits."""

    def __init__(self, name: str, command: list[str], *, port: int) -> None:
        self.name = name
        self._command = command
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._limit = RestartLimit(time.monotonic)
        self._start_at = 0.0
        self.outage: Outage | None = None
        self.is_starting = False

    def start(self) -> None:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        arguments = [sys.executable, *self._command]
        self._process = process.start(arguments, cwd=PROJECT, env=env, stdout=None, stderr=None)
        self.is_starting = True

    def wait_until_ready(self) -> None:
        """Wait until the port accepts connections; raises CannotStart if the server exits or is too slow."""
        until = time.monotonic() + _READY_SECONDS
        while not _answers(self._port):
            if (code := self._exit_code()) is not None:
                raise CannotStart(
                    f"{self.name} has exited (exit code {code}). Its output is above."
                )
            if time.monotonic() > until:
                raise CannotStart(f"{self.name} did not respond on port {self._port} in time.")
            time.sleep(0.05)
        self.is_starting = False

    def keep_running(self, say: Callable[[str], None]) -> None:
        """Restart the server if it has exited; call this regularly."""
        if self._process is None:
            if self.outage and not self.outage.is_final and time.monotonic() >= self._start_at:
                self.start()
        elif (code := self._exit_code()) is not None:
            self._process = None
            self._plan_restart(code, say)
        elif self.is_starting and _answers(self._port):
            self.is_starting, self.outage = False, None
            say(f"{self.name} is running again.")

    def _plan_restart(self, code: int, say: Callable[[str], None]) -> None:
        since = self.outage.since if self.outage else datetime.now(UTC)
        pause = self._limit.next_pause()
        self.outage = Outage(since=since, is_final=pause is None)
        if pause is None:
            say(f"{self.name} has exited too often (exit code {code}) and will not be restarted.")
        else:
            self._start_at = time.monotonic() + pause
            say(f"{self.name} has exited (exit code {code}) and is being restarted.")

    def _exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def stop(self) -> None:
        if self._process:
            _stop(self._process)


class Servers:
    """A context manager that runs the embedded platform and the web server as processes."""

    def __init__(self, config: Installation, say: Callable[[str], None]) -> None:
        self._config = config
        self._say = say
        self._platform: Server | None = None
        self._web = Server("The web server", _web_server(config), port=config.port)
        if config.offers_local_cloudflare:
            command, port = ["manage.py", "local_cloudflare"], config.local_cloudflare_port
            self._platform = Server("The embedded platform", command, port=port)

    def __enter__(self) -> Servers:
        platform_outage.clear(self._config.data_dir)
        try:
            for server in self._all:
                server.start()
                server.wait_until_ready()
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop_all()

    @property
    def _all(self) -> list[Server]:
        return [self._platform, self._web] if self._platform else [self._web]

    def wait(self, *, until: Callable[[], bool]) -> None:
        """Keep the servers running until the condition is true.

        Raises CannotStart if the web server exits too often. If the platform does, pages say so.
        """
        while not until():
            for server in self._all:
                server.keep_running(self._say)
            self._report_outage()
            if self._web.outage and self._web.outage.is_final:
                raise CannotStart("The web server has exited too often. Its output is above.")
            time.sleep(_CHECK_SECONDS)

    def _report_outage(self) -> None:
        outage = self._platform.outage if self._platform else None
        if outage == platform_outage.current(self._config.data_dir):
            return
        if outage:
            platform_outage.report(self._config.data_dir, outage)
        else:
            platform_outage.clear(self._config.data_dir)

    def _stop_all(self) -> None:
        """Stop the web server first, because it may be deploying to the platform."""
        for server in reversed(self._all):
            server.stop()
        platform_outage.clear(self._config.data_dir)


def _web_server(config: Installation) -> list[str]:
    options = ["-v", "0", "-b", "127.0.0.1", "-p", str(config.port), "--no-server-name"]
    return ["-m", "awaitstep_site.server", *options]


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
