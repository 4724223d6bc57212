"""The embedded platform: a Node program that plays Cloudflare on loopback (toolchain/local_cloudflare)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

from toolchain import process
from toolchain.node_tools import NODE, TOOLCHAIN
from toolchain.private_files import private_folder, read_or_create

ACCOUNT_ID = "10ca1c10adf1a2e10ca1c10adf1a2e00"

_MAIN = TOOLCHAIN / "local_cloudflare" / "main.ts"
_STOP_SECONDS = 10.0


class PlatformFailed(Exception):
    """The embedded platform did not start; the message says why."""


def state_folder(data_dir: Path) -> Path:
    """Return the folder that holds all it keeps, secrets included: readable by its owner alone."""
    return private_folder(data_dir / "local_cloudflare")


def platform_token(data_dir: Path) -> str:
    """Return the account's one token; the first caller makes it, and two at once agree on one."""
    return read_or_create(_token_file(data_dir), token_urlsafe)


def _token_file(data_dir: Path) -> Path:
    return state_folder(data_dir) / "token"


def command() -> list[str | Path]:
    """Return the program: SQLite, which Node still calls experimental, is part of the wheel's."""
    return [NODE, "--disable-warning=ExperimentalWarning", _MAIN]


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """Return all that the platform sees of us; `port` 0 lets the system choose."""
    platform_token(data_dir)
    folder = state_folder(data_dir)
    return process.environment(
        home=private_folder(folder / "home"),
        LOCAL_CLOUDFLARE_PORT=str(port),
        LOCAL_CLOUDFLARE_STATE=str(folder),
        LOCAL_CLOUDFLARE_ACCOUNT_ID=ACCOUNT_ID,
        LOCAL_CLOUDFLARE_TOKEN_FILE=str(_token_file(data_dir)),
        NODE_COMPILE_CACHE=str(folder / "compile_cache"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlatform:
    """A running platform. It ends when `process` loses its standard input, or this process ends."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def api_base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    def stop(self) -> None:
        """End it, and return when it and its Workers are gone."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def start(data_dir: Path, *, port: int, more: Mapping[str, str] | None = None) -> LocalPlatform:
    """Start the platform and return once its port serves. Raises PlatformFailed.

    It dies with the calling thread (Linux), and with this process everywhere.
    """
    env = environment(data_dir, port) | dict(more or {})
    started = process.start(command(), cwd=TOOLCHAIN, env=env, stdin=subprocess.PIPE)
    return LocalPlatform(process=started, port=_ready_port(started))


def _ready_port(started: subprocess.Popen[bytes]) -> int:
    line = started.stdout.readline() if started.stdout else b""
    if not line:
        _, error = started.communicate()
        raise PlatformFailed(error.decode(errors="replace").strip() or "it ended without a word")
    return int(json.loads(line)["port"])


def serve(data_dir: Path, *, port: int, on_ready: Callable[[int], None]) -> int:
    """Run the platform until it ends or Ctrl-C; return its exit status.

    `on_ready` hears the port as soon as it serves.
    """
    running = process.start(
        command(),
        cwd=TOOLCHAIN,
        env=environment(data_dir, port),
        stdin=subprocess.PIPE,
        stderr=None,
    )
    try:
        for line in running.stdout or ():
            on_ready(int(json.loads(line)["port"]))
        return running.wait()
    except KeyboardInterrupt:
        running.terminate()
        return running.wait(_STOP_SECONDS)
