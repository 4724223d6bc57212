"""A complete installation, used as a user would: through commands and HTTP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support.databases.migrated_database import migrated_database, migrated_template
from tests.support.environment import free_port, postgresql
from tests.support.patience import PATIENCE
from tests.support.plain_http import NO_AUTHORITIES, request
from tests.support.programs.command_runner import Commands
from toolchain import process
from toolchain.private_files import private_folder

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"


def _empty_database() -> str:
    """Return the URL of a new database, if the tests use PostgreSQL."""
    server = postgresql()
    return server.create(f"installation_{uuid4().hex}") if server else ""


@dataclass
class Installation:
    """A data directory with a database, and the programs that were started for it."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    local_cloudflare_port: int = field(default_factory=free_port)
    more_env: dict[str, str] = field(default_factory=dict)
    is_running: bool = False
    _running: ExitStack = field(default_factory=ExitStack)
    database_url: str = field(default_factory=_empty_database)
    _commands: Commands = field(default_factory=lambda: Commands(PROJECT))

    @property
    def env(self) -> dict[str, str]:
        # pytest's own variables name the running test; a change would restart the forking process.
        replaced = ("AWAITSTEP_", "PYTEST_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(replaced)}
        return {
            **inherited,
            "AWAITSTEP_DATA_DIR": str(self.data_dir),
            "AWAITSTEP_PORT": str(self.port),
            "AWAITSTEP_LOCAL_CLOUDFLARE_PORT": str(self.local_cloudflare_port),
            "AWAITSTEP_SPARE_WRANGLERS": "0",
            "AWAITSTEP_API_REQUESTS_PER_MINUTE": "0",  # a test sends more in a minute than a client may
            "AWAITSTEP_API_WRITES_PER_MINUTE": "0",
            "AWAITSTEP_API_DEPLOYS_PER_MINUTE": "0",
            "DATABASE_URL": self.database_url,
            **self.more_env,
        }

    def migrate(self) -> None:
        """Create the database as a copy of a migrated one."""
        if server := postgresql():
            name = f"installation_{uuid4().hex}"
            self.database_url = server.create(name, template=migrated_template(server))
            return
        shutil.copyfile(migrated_database(), private_folder(self.data_dir) / "db.sqlite3")

    def manage(
        self, *arguments: str, stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a management command in a separate process and wait for it."""
        done = self._commands.run(self.env, arguments, stdin)
        if check and done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments: str) -> Any:
        """Run a command that prints JSON, and return the parsed value."""
        return json.loads(self.manage(*arguments).stdout)

    def start(self, *command: str, **more_env: str) -> subprocess.Popen[bytes]:
        """Start a program, which is stopped together with the installation."""
        with self.log.open("ab") as log:
            started = process.start(
                [sys.executable, "-m", "tests.support.programs.server_process", *command],
                cwd=PROJECT,
                env=self.env | more_env,
                stdout=log,
                stderr=log,
            )
        self._running.callback(_stop, started)
        self.is_running = True
        return started

    @property
    def log(self) -> Path:
        """The file with the output of the installation's servers."""
        return self.data_dir.with_suffix(".log")

    def start_platform(self) -> subprocess.Popen[bytes]:
        started = self.start("manage.py", "local_cloudflare")
        wait_for_port(self.local_cloudflare_port, started, self.log)
        return started

    def start_server(self, port: int | None = None, **more_env: str) -> subprocess.Popen[bytes]:
        """Start the web server; with a `port`, in addition to the installation's own."""
        port = port or self.port
        options = ["-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        started = self.start("-m", "awaitstep_site.server", *options, **more_env)
        wait_for_port(port, started, self.log)
        return started

    def create_user(self, name: str, *, superuser: bool = True) -> None:
        """Create a staff user with PASSWORD; without `superuser` they have no permissions."""
        method = "create_superuser" if superuser else "create_user"
        code = (
            "from django.contrib.auth import get_user_model as model;"
            f"model().objects.{method}({name!r}, password={PASSWORD!r}, is_staff=True)"
        )
        self.manage("shell", "-v", "0", "-c", code)

    @contextmanager
    def client(self, user: str = "deployer") -> Iterator[httpx.Client]:
        """Yield a client that logs in like a browser and sends the CSRF token."""
        base = f"http://127.0.0.1:{self.port}"
        with httpx.Client(base_url=base, timeout=PATIENCE, verify=NO_AUTHORITIES) as client:
            client.get("/admin/login/").raise_for_status()
            form = {"username": user, "password": PASSWORD}
            token = {"csrfmiddlewaretoken": client.cookies["awaitstep_csrf"]}
            answer = client.post("/admin/login/?next=/admin/", data=form | token)
            assert answer.status_code == 302, answer.text
            client.headers["X-CSRFToken"] = client.cookies["awaitstep_csrf"]
            yield client

    def worker(
        self,
        workflow: str,
        path: str = "/",
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Any:
        """Send a request to a deployed Worker; not every system resolves its host name."""
        host = f"awaitstep-{workflow}.localhost:{self.local_cloudflare_port}"
        url = f"http://127.0.0.1:{self.local_cloudflare_port}{path}"
        return request(method, url, headers={"Host": host, **(headers or {})}, **more)

    def import_document(self, document: Any, *, into: str = "") -> str:
        """Import a document as a new workflow, or as a draft of `into`; return the workflow's id."""
        more = ["--workflow", into] if into else []
        text = json.dumps(document)
        return self.manage("import_workflow", "-", *more, stdin=text).stdout.strip()

    def stop(self) -> None:
        """Stop everything; what is started afterwards finds the same data."""
        self._commands.stop()
        self._running.close()
        self.is_running = False


def wait_for_port(port: int, started: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the program listens on the port; fail with the log if it exits first."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise AssertionError(f"exited with {started.returncode}: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port}")


def _stop(started: subprocess.Popen[bytes]) -> None:
    if started.poll() is None:
        started.terminate()
        try:
            started.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            started.kill()
    started.wait()
