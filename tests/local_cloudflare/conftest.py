"""Fixtures of the embedded platform's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_cloudflare.support.control import control  # noqa: F401 - a fixture
from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform


@pytest.fixture
def project(platform: Platform, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-")
    return Project(platform=platform, folder=tmp_path, name=name)
