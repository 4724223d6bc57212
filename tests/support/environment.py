"""A data directory, ports and a database for the tests, set before Django's settings load (see pyproject.toml).

With AWAITSTEP_TEST_DATABASE=postgresql, the first process starts a server, which the others share.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

from tests.support.databases.postgresql import Postgresql

_KEPT = ("AWAITSTEP_REQUIRE_BROWSER", "AWAITSTEP_TEST_LONG", "AWAITSTEP_TEST_DATABASE")
_SERVER = "TEST_POSTGRESQL"  # the folder of the server that the first process has started


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgresql() -> Postgresql | None:
    """Return the server that the tests use instead of SQLite, if there is one."""
    return Postgresql(Path(os.environ[_SERVER])) if _SERVER in os.environ else None


def _database() -> dict[str, str]:
    """Return the variables of the database."""
    if os.environ.get("AWAITSTEP_TEST_DATABASE", "sqlite") == "sqlite":
        return {}
    server = postgresql()
    if server is None:
        server = Postgresql()
        server.start()
        atexit.register(server.stop)
    return {"DATABASE_URL": server.url("awaitstep"), _SERVER: str(server.folder)}


def _replace_environment(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(("AWAITSTEP_", "DATABASE_URL"))]:
        if name not in _KEPT:
            del os.environ[name]
    os.environ.update(variables)


_data_dir = tempfile.mkdtemp(prefix="awaitstep-tests-")
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
_replace_environment(
    {
        "AWAITSTEP_DATA_DIR": _data_dir,
        "AWAITSTEP_PORT": str(free_port()),
        "AWAITSTEP_LOCAL_CLOUDFLARE_PORT": str(free_port()),
        "AWAITSTEP_API_REQUESTS_PER_MINUTE": "0",  # a test sends more in a minute than a client may
        "AWAITSTEP_API_WRITES_PER_MINUTE": "0",
        "AWAITSTEP_API_DEPLOYS_PER_MINUTE": "0",
        "AWAITSTEP_SPARE_WRANGLERS": "0",  # most tests would start one that is never used
    }
    | _database()
)
