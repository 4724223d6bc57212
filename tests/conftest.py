from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tests.local_cloudflare.support.control import control  # noqa: F401 - a fixture
from tests.runs.fake_api import fake_api  # noqa: F401 - a fixture
from tests.support import warm_wrangler
from tests.support.installation import Installation
from tests.support.platform_fixture import platform  # noqa: F401 - a fixture
from tests.support.sessions import log_in, viewer  # noqa: F401 - fixtures
from toolchain import process

MANY_TESTS = 60


def pytest_configure() -> None:
    """Hash passwords quickly: the default hasher takes a quarter of a second."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def warm_wrangler_host(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep wrangler loaded during runs of many tests; a few tests load it each time."""
    if len(request.session.items) < MANY_TESTS:
        yield
        return
    folder = Path(os.environ[warm_wrangler.VARIABLE])
    host = process.start(
        warm_wrangler.host_command(folder),
        cwd=folder,
        env=process.environment(home=folder),
        stdout=None,
        stderr=None,
    )
    yield
    os.killpg(host.pid, signal.SIGKILL)
    host.wait()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with its embedded platform and web server, used over the network."""
    whole = Installation(Path(tmp_path_factory.mktemp("installation")))
    whole.manage("migrate", "--verbosity", "0")
    whole.start_platform()
    whole.start_server()
    whole.create_user("deployer")
    yield whole
    whole.stop()


@pytest.fixture
def no_workers(settings: Settings) -> None:
    """Leave queued tasks to the test instead of running them."""
    dummy = "django_tasks.backends.dummy.DummyBackend"
    settings.TASKS = {"default": {"BACKEND": dummy, "QUEUES": ["default", "runs"]}}
