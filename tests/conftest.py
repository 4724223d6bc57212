from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from xdist.remote import Producer

from tests.local_cloudflare.support.control import control  # noqa: F401 - a fixture
from tests.runs.fake_api import fake_api  # noqa: F401 - a fixture
from tests.support.databases.fixtures import django_db_keepdb, django_db_setup  # noqa: F401 - fixtures
from tests.support.environment import postgresql
from tests.support.examples import LONG
from tests.support.fake_tests import fake_tests  # noqa: F401 - a fixture
from tests.support.groups import GroupScheduling
from tests.support.installation import Installation
from tests.support.platform_fixture import platform  # noqa: F401 - a fixture
from tests.support.sessions import log_in, viewer  # noqa: F401 - fixtures

# `make test-cluster` runs these, because they need PostgreSQL.
collect_ignore = [] if postgresql() else ["cluster"]

_SHARED: list[Installation] = []
_NEED_INSTALLATION: set[Path] = set()
SLOWEST = ("browser", "installation", "platform")  # fixtures that start programs, slowest first


def pytest_configure(config: pytest.Config) -> None:
    """Skip work that would slow down every test."""
    config.addinivalue_line("markers", "long: only `make test-long` runs it")
    if postgresql():  # threads of tests end without closing their connections
        unclosed = "ignore:.*BaseConnection.__del__:pytest.PytestUnraisableExceptionWarning"
        config.addinivalue_line("filterwarnings", unclosed)
    # The default hasher takes a quarter of a second.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test client would list the static files.
    django_settings.WHITENOISE_AUTOREFRESH = True
    # The modules and the tests are millions of objects, none of which is garbage.
    gc.disable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not LONG:
        _deselect_long(config, items)
    _sort(items)


def _deselect_long(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `make test-long` runs: tests that are marked, and those in a folder `long`."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        folders = item.path.relative_to(config.rootpath).parts
        is_long = item.get_closest_marker("long") or "long" in folders
        (left_out if is_long else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _sort(items: list[pytest.Item]) -> None:
    """Start with the slowest files, so that no process waits for another at the end."""
    costs: dict[Path, int] = {}
    for item in items:
        fixtures = " ".join(getattr(item, "fixturenames", ()))
        if "installation" in fixtures:
            _NEED_INSTALLATION.add(item.path)
        if "programs" in item.path.parts:  # they start programs without a fixture
            fixtures = f"{fixtures} {SLOWEST[-1]}"
        cost = next((at for at, name in enumerate(SLOWEST) if name in fixtures), len(SLOWEST))
        costs[item.path] = min(cost, costs.get(item.path, cost))
    items.sort(key=lambda item: costs[item.path])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run the shared installation only during files that use it, because it keeps polling its platform."""
    is_used = item.path in _NEED_INSTALLATION
    for shared in _SHARED:
        if is_used and not shared.is_running:
            _start(shared)
        elif not is_used:
            shared.stop()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with its embedded platform and web server, used over the network."""
    whole = Installation(Path(tmp_path_factory.mktemp("installation")))
    whole.migrate()
    _start(whole)
    whole.create_user("deployer")
    _SHARED.append(whole)
    yield whole
    whole.stop()


def _start(shared: Installation) -> None:
    shared.start_platform()
    shared.start_server()


@pytest.fixture
def no_workers(settings: Settings) -> None:
    """Leave queued tasks to the test instead of running them."""
    dummy = "django_tasks.backends.dummy.DummyBackend"
    settings.TASKS = {"default": {"BACKEND": dummy, "QUEUES": ["default", "runs"]}}
