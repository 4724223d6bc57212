"""Fixtures of the embedded platform's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local_cloudflare.support.control import control  # noqa: F401 - a fixture
from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.recorder import call_of
from tests.local_cloudflare.support.sdk_types import problem
from tests.support.examples import LONG
from tests.support.platform_fixture import Platform


@pytest.fixture
def project(platform: Platform, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-")
    return Project(platform=platform, folder=tmp_path, name=name)


@pytest.fixture(scope="session", autouse=LONG)
def declared_types() -> Iterator[None]:
    """In the long run, check every response that a test gets against Cloudflare's library."""
    send = Platform.api

    def checked(platform: Platform, method: str, path: str, **more: Any) -> httpx.Response:
        response = send(platform, method, path, **more)
        found = problem(call_of(method, f"/accounts/{platform.account_id}/{path}", response))
        assert not found, found
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Platform, "api", checked)
        yield
