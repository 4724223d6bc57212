"""The embedded platform, started for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import Cloudflare, DefaultHttpxClient

from tests.support.plain_http import NO_AUTHORITIES, request
from tests.support.programs.compile_cache import compile_cache
from toolchain import embedded_platform
from toolchain.embedded_platform import ACCOUNT_ID, LocalPlatform

TEST_CONTROL = {"LOCAL_CLOUDFLARE_TEST_CONTROL": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A running platform and its data directory."""

    running: LocalPlatform
    data_dir: Path

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def api_base_url(self) -> str:
        return self.running.api_base_url

    @property
    def token(self) -> str:
        return embedded_platform.platform_token(self.data_dir)

    @property
    def account_id(self) -> str:
        return ACCOUNT_ID

    @property
    def state(self) -> Path:
        return embedded_platform.state_folder(self.data_dir)

    def kill(self) -> None:
        """Kill it, as a power cut would, and wait for its end."""
        self.running.process.kill()
        self.running.stop()

    def client(self, token: str | None = None) -> Cloudflare:
        """Return the official SDK's client, which rejects undocumented responses.

        It keeps no connections alive, so none is open when the client is garbage-collected.
        """
        return Cloudflare(
            api_token=token or self.token,
            base_url=self.api_base_url,
            max_retries=0,
            http_client=DefaultHttpxClient(
                limits=httpx.Limits(max_keepalive_connections=0), verify=NO_AUTHORITIES
            ),
            _strict_response_validation=True,
        )

    def fetch(
        self,
        worker: str,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send a request to a Worker; not every system resolves its host name."""
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"host": f"{worker}.localhost:{self.port}", **(headers or {})}
        return request(method, url, headers=headers, **more)

    def api(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Call the API directly, for endpoints that the SDK lacks."""
        url = f"{self.api_base_url}/accounts/{ACCOUNT_ID}/{path}"
        headers = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return request(method, url, headers=headers, **more)


def error_codes(response: httpx.Response) -> list[int]:
    return [error["code"] for error in response.json()["errors"]]


def start_platform(
    data_dir: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Platform:
    """Start a platform on this data directory; port 0 picks a free one.

    tests/local_cloudflare/support/control.py controls it.
    """
    # All platforms of a run share the compiled code; each has a cache of its own otherwise.
    extra_env = TEST_CONTROL | compile_cache() | dict(environment or {})
    running = embedded_platform.start(data_dir, port=port, extra_env=extra_env)
    return Platform(running=running, data_dir=data_dir)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests; each test names its own Workers."""
    started = start_platform(tmp_path_factory.mktemp("platform"))
    yield started
    started.running.stop()
