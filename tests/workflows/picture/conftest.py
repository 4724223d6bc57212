from __future__ import annotations

import pytest

from tests.browser.conftest import browser, open_page  # noqa: F401 - fixtures
from tests.support.platform_fixture import Platform
from tests.workflows.picture.runs import Ran, Runs


@pytest.fixture(scope="module")
def ran(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return a function that runs a document."""
    return Runs(platform, tmp_path_factory.mktemp("pictures")).ran
