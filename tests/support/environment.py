"""A data directory and ports for the tests, set before Django's settings load (see pyproject.toml)."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile

_KEPT = ("AWAITSTEP_REQUIRE_BROWSER", "AWAITSTEP_TEST_LONG")


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _replace_environment(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWAITSTEP_")]:
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
        "AWAITSTEP_SPARE_WRANGLERS": "0",  # most tests would start one that is never used
    }
)
