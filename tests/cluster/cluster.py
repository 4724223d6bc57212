"""Several web servers and workers that share a PostgreSQL database, as on hosts of their own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import httpx
import psycopg
from cryptography.fernet import Fernet

from tests.support.databases.postgresql import Postgresql
from tests.support.environment import free_port, postgresql
from tests.support.installation import Installation, wait_for_port
from tests.support.patience import PATIENCE
from tests.support.plain_http import NO_AUTHORITIES
from toolchain.embedded_platform import ACCOUNT_ID, platform_token

WEB_SERVERS: Final = 3
WORKERS: Final = 4
_POLL: Final = 0.05  # seconds


@dataclass
class Cluster:
    """The processes by their port or number; each has a data directory of its own."""

    installation: Installation
    server: Postgresql
    web: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path) -> Cluster:
        """Start everything. The embedded platform takes the part of a Cloudflare account."""
        server = postgresql()
        assert server, "run `make test-cluster`"
        more_env = {
            "AWAITSTEP_LOCAL_CLOUDFLARE": "false",
            "AWAITSTEP_TASKS": "worker",
            "AWAITSTEP_SECRET_KEY": "a key that all servers of the test share, 50 characters",
            "AWAITSTEP_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "AWAITSTEP_TRUSTED_ORIGINS": "",
        }
        cluster = cls(Installation(folder / "account", more_env=more_env), server)
        cluster.installation.migrate()
        cluster._start_account()
        for number in range(WORKERS):
            cluster.start_worker(folder / f"worker-{number}")
        for number in range(WEB_SERVERS):
            cluster._start_web(folder / f"web-{number}")
        for port, started in cluster.web.items():
            wait_for_port(port, started, cluster.installation.log)
        cluster.installation.port = next(iter(cluster.web))
        cluster.installation.create_user("deployer")
        return cluster

    def _start_account(self) -> None:
        here, on = self.installation, {"AWAITSTEP_LOCAL_CLOUDFLARE": "true"}
        here.data_dir.mkdir()
        platform = here.start("manage.py", "local_cloudflare", **on)
        wait_for_port(here.local_cloudflare_port, platform, here.log)
        url = f"http://127.0.0.1:{here.local_cloudflare_port}/client/v4"
        command = ["set_target", "account", "--account-id", ACCOUNT_ID, "--api-base-url", url]
        here.manage(*command, "--default", stdin=platform_token(here.data_dir))

    def start_worker(self, data_dir: Path) -> None:
        folder = {"AWAITSTEP_DATA_DIR": str(data_dir)}
        self.workers.append(self.installation.start("manage.py", "worker", **folder))

    def _start_web(self, data_dir: Path) -> None:
        port = free_port()
        env = {"AWAITSTEP_DATA_DIR": str(data_dir), "AWAITSTEP_PORT": str(port)}
        options = ["-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        self.web[port] = self.installation.start("-m", "awaitstep_site.server", *options, **env)

    def stop(self) -> None:
        self.installation.stop()

    @property
    def ports(self) -> list[int]:
        """The ports of the web servers that are running."""
        return [port for port, started in self.web.items() if started.poll() is None]

    def kill_web(self) -> int:
        port = self.ports[0]
        kill(self.web[port])
        self.installation.port = self.ports[0]
        return port

    def kill_worker_that_deploys(self) -> int:
        """Kill a worker in the middle of a deployment; return the number of the deployment."""
        pids = {worker.pid: worker for worker in self.workers if worker.poll() is None}
        query = "SELECT pid, deployment_id FROM deployments_lease"
        pid, deployment = wait_for(lambda: next(iter(self.rows(query)), None))
        kill(pids[pid])
        return int(deployment)

    def rows(self, query: str, *values: str) -> list[Any]:
        with psycopg.connect(self.installation.database_url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    @contextmanager
    def client(self, port: int) -> Iterator[httpx.Client]:
        """Yield a client of one web server that is logged in."""
        with self.installation.client() as logged_in:
            base_url = f"http://127.0.0.1:{port}"
            with httpx.Client(
                base_url=base_url,
                headers=logged_in.headers,
                cookies=dict(logged_in.cookies),
                timeout=PATIENCE,
                verify=NO_AUTHORITIES,
            ) as client:
                yield client


def kill(started: subprocess.Popen[bytes]) -> None:
    """End the process as a power cut would."""
    started.kill()
    started.wait()


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until the condition is true, and return what it returns."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(_POLL)
    return found


class Watcher(Thread):
    """Reads an event stream like a browser: after a failure, it continues at another server."""

    def __init__(self, cluster: Cluster, path: str, port: int, *, after: int = 0) -> None:
        super().__init__(daemon=True)
        self.ids: list[int] = []
        self.connections = 0
        self._cluster, self._path, self._port, self._after = cluster, path, port, after
        self._ended = Event()
        with cluster.client(port) as client:
            self._cookies = dict(client.cookies)

    @property
    def cursor(self) -> int:
        return self.ids[-1] if self.ids else self._after

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
            except httpx.TransportError:
                self._port = self._cluster.ports[0]
                self._ended.wait(_POLL)

    def _read(self) -> None:
        url = f"http://127.0.0.1:{self._port}{self._path}"
        parameters = {"lastEventId": str(self.cursor)}
        with (
            httpx.Client(cookies=self._cookies, timeout=PATIENCE, verify=NO_AUTHORITIES) as client,
            client.stream("GET", url, params=parameters) as stream,
        ):
            if stream.status_code != httpx.codes.OK:
                self._ended.wait(_POLL)
                return
            self.connections += 1
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    self.ids.append(int(line.removeprefix("id: ")))
                if self._ended.is_set():
                    return

    def end(self) -> list[int]:
        """Stop and return the ids. The thread ends with the next event, or with the server."""
        self._ended.set()
        return self.ids
