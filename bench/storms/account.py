"""Runs and Workers of an installation's embedded platform, through Cloudflare's API."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.storms.usage import Watched, read_pid
from tests.support.installation import Installation
from toolchain.embedded_platform import ACCOUNT_ID, platform_token, state_folder

BATCH = 100
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Account:
    """The account of an installation whose platform is killed now and then."""

    installation: Installation

    @property
    def state(self) -> Path:
        return state_folder(self.installation.data_dir)

    @property
    def watched(self) -> Watched:
        return Watched(pid_file=self.state / "platform.pid")

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the API; until the platform responds, call again."""
        port = self.installation.local_cloudflare_port
        url = f"http://127.0.0.1:{port}/client/v4/accounts/{ACCOUNT_ID}/{path}"
        headers = {"authorization": f"Bearer {platform_token(self.installation.data_dir)}"}
        while True:
            try:
                response = httpx.request(method, url, headers=headers, timeout=600, **more)
            except httpx.TransportError:
                time.sleep(_RETRY_SECONDS)
                continue
            if response.status_code < 500:
                return response
            time.sleep(_RETRY_SECONDS)

    def start_runs(self, workflow: str, runs: int, params: object) -> None:
        """Start runs with known ids, so that a call can be made again."""
        for ids in _batches(runs):
            batch = [{"instance_id": f"run-{number}", "params": params} for number in ids]
            self.call("POST", f"workflows/{workflow}/instances/batch", json=batch)

    def counts(self, workflow: str) -> dict[str, int]:
        """Return the number of runs by status."""
        counts: dict[str, int] = self.call("GET", f"workflows/{workflow}").json()["result"][
            "instances"
        ]
        return counts

    def upload(self, name: str, code: str) -> None:
        """Upload a Worker with a Workflow of the same name, whose class is `Flow`."""
        binding = {
            "type": "workflow",
            "name": "WORKFLOW",
            "workflow_name": name,
            "class_name": "Flow",
        }
        metadata = {
            "main_module": "worker.js",
            "compatibility_date": "2026-11-01",
            "bindings": [binding],
        }
        files = {
            "metadata": (None, json.dumps(metadata)),
            "worker.js": ("worker.js", code, "application/javascript+module"),
        }
        self.call("PUT", f"workers/scripts/{name}", files=files).raise_for_status()
        body = {"script_name": name, "class_name": "Flow"}
        self.call("PUT", f"workflows/{name}", json=body).raise_for_status()

    def kill_worker(self, name: str) -> None:
        """Kill the process in which a Worker runs."""
        os.kill(read_pid(self.state / "groups" / f"worker-{name}" / "workerd.pid"), signal.SIGKILL)

    def kill_platform(self) -> None:
        """Kill the platform, and start it again."""
        os.kill(read_pid(self.state / "platform.pid"), signal.SIGKILL)
        self.installation.start_platform()


def _batches(runs: int) -> Iterator[range]:
    for first in range(0, runs, BATCH):
        yield range(first, min(first + BATCH, runs))
