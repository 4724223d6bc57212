"""A private PostgreSQL server for tests: its own data, reachable only through a socket of its own.

PostgreSQL refuses to run as root, so root starts it as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

_USER: Final = "postgres"
_MISSING: Final = (
    "PostgreSQL's server was not found. Debian and Ubuntu: apt-get install postgresql. "
    "If `pg_config --bindir` does not name its folder, put the folder on the PATH."
)
_started: list[subprocess.Popen[bytes]] = []  # by this process
_FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresqlMissing(Exception):
    """The programs of PostgreSQL are not installed."""


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL; Debian does not put the server on the PATH."""
    if found := shutil.which(name):
        return found
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    raise PostgresqlMissing(_MISSING)


@dataclass
class Postgresql:
    """A server that is started with `start` and has ended, with all its data, after `stop`."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="awaitstep-pg-")))

    def start(self) -> None:
        """Create the data on the first start, and return when the server accepts connections."""
        data = self.folder / "data"
        if not data.exists():
            if os.geteuid() == 0:
                shutil.chown(self.folder, _USER)
            command = [program("initdb"), "-D", str(data), "-U", _USER, "-A", "trust"]
            # A collation that no program should rely on: it ignores case and punctuation at first.
            command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
            command += ["--locale-provider=icu", "--icu-locale=en-US"]
            subprocess.run(command, **_as_user(), check=True, capture_output=True)
        options = [f"-c{option}" for option in (*_FAST, "max_connections=300")]
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [
                    program("postgres"),
                    *("-D", str(data), "-k", str(self.folder), "-c", "listen_addresses="),
                    *options,
                ],
                **_as_user(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _started.append(server)
        self._wait(server)

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        ready = [program("pg_isready"), "-q", "-h", str(self.folder), "-U", _USER]
        while subprocess.run(ready, check=False).returncode:
            if server.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())

    def restart(self) -> None:
        """Stop without waiting for the clients, which lose their connections, and start again."""
        self._end("fast")
        self.start()

    def stop(self) -> None:
        self._end("immediate")
        for started in _started:
            started.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, mode: str) -> None:
        """Stop the server, which another object or process may have started."""
        command = [program("pg_ctl"), "stop", "-D", str(self.folder / "data"), "-m", mode]
        subprocess.run(command, **_as_user(), check=True, capture_output=True)

    def url(self, database: str = "postgres") -> str:
        """Return the value of DATABASE_URL for a database of this server."""
        return f"postgresql://{_USER}@{quote(str(self.folder), safe='')}/{database}"

    def create(self, database: str, *, template: str = "template1") -> str:
        """Create a database as a copy of another one, and return its URL."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def execute(self, statement: str, database: str = "postgres") -> None:
        execute(self.url(database), statement)


def execute(url: str, statement: str) -> None:
    """Execute a statement outside of a transaction, on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _as_user() -> dict[str, Any]:
    """Return the arguments that start a program as a user that PostgreSQL accepts."""
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    if os.geteuid() != 0:
        return {"env": env}
    user = pwd.getpwnam(_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "env": env, "cwd": "/"}
