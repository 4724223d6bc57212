from __future__ import annotations

import pytest

from tests.browser.conftest import browser, open_page  # noqa: F401 - fixtures
from tests.support.platform_fixture import Platform
from tests.workflows.picture.runs import RunDocument, Runs


@pytest.fixture(scope="module")
def run_document(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> RunDocument:
    """Return a function that runs a document on the embedded platform."""
    return Runs(platform, tmp_path_factory.mktemp("pictures")).run
