"""Starts the embedded platform: a Node.js program that emulates Cloudflare on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

from toolchain import process
from toolchain.node_tools import NODE, TOOLCHAIN
from toolchain.private_files import private_folder, read_or_create

ACCOUNT_ID = "10ca1c10adf1a2e10ca1c10adf1a2e00"

# Cloudflare's limit on the paid plan.
CONCURRENT_RUNS = 50_000

_MAIN = TOOLCHAIN / "local_cloudflare" / "main.ts"
_STOP_SECONDS = 10.0


class PlatformFailed(Exception):
    """The embedded platform did not start; the message gives the reason."""


def state_folder(data_dir: Path) -> Path:
    """Return the folder of the platform's state and secrets, which only its owner can read."""
    return private_folder(data_dir / "local_cloudflare")


def platform_token(data_dir: Path) -> str:
    """Return the account's API token; the first call creates it, safely even in parallel."""
    return read_or_create(_token_file(data_dir), token_urlsafe)


def _token_file(data_dir: Path) -> Path:
    return state_folder(data_dir) / "token"


def command() -> list[str | Path]:
    """Return the command; the warning that it disables is about Node's built-in SQLite."""
    return [NODE, "--disable-warning=ExperimentalWarning", _MAIN]


def environment(
    data_dir: Path,
    port: int,
    *,
    reserved_hosts: Iterable[str] = (),
    concurrent_runs: int = CONCURRENT_RUNS,
) -> dict[str, str]:
    """Return the platform's environment variables; port 0 picks a free port.

    No Worker is served on a reserved host; a host that starts with a dot includes its subdomains. Runs
    beyond `concurrent_runs` are queued.
    """
    platform_token(data_dir)
    folder = state_folder(data_dir)
    return process.environment(
        home=private_folder(folder / "home"),
        LOCAL_CLOUDFLARE_PORT=str(port),
        LOCAL_CLOUDFLARE_STATE=str(folder),
        LOCAL_CLOUDFLARE_ACCOUNT_ID=ACCOUNT_ID,
        LOCAL_CLOUDFLARE_TOKEN_FILE=str(_token_file(data_dir)),
        LOCAL_CLOUDFLARE_CONCURRENT_INSTANCES=str(concurrent_runs),
        LOCAL_CLOUDFLARE_RESERVED_HOSTS=",".join(reserved_hosts),
        NODE_COMPILE_CACHE=str(folder / "compile_cache"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlatform:
    """A running platform. It ends with this process, or when its standard input closes."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def api_base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/v4"

    def stop(self) -> None:
        """Stop the platform and its Workers, and wait for their end."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def start(
    data_dir: Path, *, port: int, extra_env: Mapping[str, str] | None = None
) -> LocalPlatform:
    """Start the platform and return once its port accepts requests.

    Raises PlatformFailed if it does not start.

    It ends with this process; on Linux, as soon as the calling thread ends.
    """
    env = environment(data_dir, port) | dict(extra_env or {})
    started = process.start(command(), cwd=TOOLCHAIN, env=env, stdin=subprocess.PIPE)
    return LocalPlatform(process=started, port=_ready_port(started))


def _ready_port(started: subprocess.Popen[bytes]) -> int:
    line = started.stdout.readline() if started.stdout else b""
    if not line:
        _, error = started.communicate()
        raise PlatformFailed(
            error.decode(errors="replace").strip() or "it exited without a message"
        )
    return int(json.loads(line)["port"])


def serve(
    data_dir: Path,
    *,
    port: int,
    on_ready: Callable[[int], None],
    reserved_hosts: Iterable[str] = (),
    concurrent_runs: int = CONCURRENT_RUNS,
) -> int:
    """Run the platform until it exits or Ctrl-C is pressed; return its exit status.

    `on_ready` is called with the port as soon as it accepts requests.
    """
    running = process.start(
        command(),
        cwd=TOOLCHAIN,
        env=environment(
            data_dir, port, reserved_hosts=reserved_hosts, concurrent_runs=concurrent_runs
        ),
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
