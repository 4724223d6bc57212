"""The same program under `wrangler dev`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.storms.usage import Watched
from tests.support.environment import free_port
from toolchain import process
from toolchain.node_tools import NODE, WRANGLER

_POLL_SECONDS = 1.0
_READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class WranglerDev:
    """A running `wrangler dev`, whose Worker starts a run for each request."""

    port: int
    workflow: str
    watched: Watched

    def finished_runs(self, runs: int, *, seconds: float) -> tuple[int, int]:
        """Start runs for at most this time; return how many were started and how many are complete by its end."""
        deadline = time.monotonic() + seconds
        started = 0
        with httpx.Client(timeout=30) as client:
            while started < runs and time.monotonic() < deadline:
                started += self._starts(client)
            while (done := self._complete(client)) < started and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        return started, done

    def _starts(self, client: httpx.Client) -> bool:
        try:
            return client.get(f"http://127.0.0.1:{self.port}/").is_success
        except httpx.TransportError:
            return False

    def _complete(self, client: httpx.Client) -> int:
        api = f"http://127.0.0.1:{self.port}/cdn-cgi/local/explorer/api"
        try:
            response = client.get(f"{api}/workflows/{self.workflow}")
            return int(response.json()["result"]["instances"]["complete"])
        except (httpx.TransportError, ValueError, KeyError, TypeError):
            return 0

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        with httpx.Client(timeout=10) as client:
            while not self._starts(client):
                if time.monotonic() > deadline:
                    raise RuntimeError("wrangler dev did not start")
                time.sleep(_POLL_SECONDS)


@contextmanager
def wrangler_dev(files: Path, *, home: Path) -> Iterator[WranglerDev]:
    """Run the Worker in a folder; its secrets are in `secrets.json`."""
    secrets = json.loads((files / "secrets.json").read_text())
    (files / ".dev.vars").write_text(
        "".join(f"{name}={value}\n" for name, value in secrets.items())
    )
    workflow = json.loads((files / "wrangler.json").read_text())["workflows"][0]["name"]
    home.mkdir()
    port = free_port()
    options = ["dev", "--ip", "127.0.0.1", "--port", str(port), "--persist-to", str(home / "state")]
    with (home / "output.txt").open("wb") as output:
        started = process.start(
            [NODE, WRANGLER, *options],
            cwd=files,
            env=process.environment(home=home, CI="1", WRANGLER_SEND_METRICS="false"),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        running = WranglerDev(port, workflow, Watched(pid=started.pid))
        running.wait_until_ready()
        yield running
    finally:
        started.terminate()
        started.wait()
