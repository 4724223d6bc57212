"""The pytest plugin that puts the client in place of Node before other modules import Node's path."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import warm_wrangler
from tests.support.programs.compile_cache import compile_cache
from toolchain import process

_MANY_TESTS = 60
_FOLDER = Path(os.environ["AWAITSTEP_DATA_DIR"])  # set by tests/support/environment.py


@pytest.fixture(scope="session", autouse=True)
def warm_wrangler_host(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep wrangler loaded during runs of many tests; a few tests load it each time."""
    if len(request.session.items) < _MANY_TESTS:
        yield
        return
    command = warm_wrangler.host_command(_FOLDER)
    env = process.environment(home=_FOLDER) | compile_cache()
    warm_wrangler.mark_used(_FOLDER)
    host = process.start(command, cwd=_FOLDER, env=env, stdout=None, stderr=None)
    yield
    os.killpg(host.pid, signal.SIGKILL)
    host.wait()


warm_wrangler.prepare(_FOLDER)
warm_wrangler.use()
