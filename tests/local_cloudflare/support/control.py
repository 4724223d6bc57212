"""What steers a platform for tests: calls that fail, other tokens, and what only Cloudflare can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.platform_fixture import Platform

Kind = Literal["user", "account"]
Status = Literal["active", "disabled", "expired"]
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A call that fails: by this answer, by none (`hang`), or only late (no `status`)."""

    path: str
    method: str | None = None
    status: int | None = None
    code: int | None = None
    message: str | None = None
    headers: dict[str, str] | None = None
    times: int | None = None
    delay_milliseconds: int | None = None
    after: bool = False
    hang: bool = False

    def as_json(self) -> dict[str, Any]:
        names = {name: name for name in self.__slots__}
        names["delay_milliseconds"] = "delayMilliseconds"
        told = {names[name]: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token besides the account's own. Permissions are Cloudflare's names; zones are ids, all of them without."""

    token: str
    permissions: tuple[str, ...] = ()
    kind: Kind = "user"
    status: Status = "active"
    id: str | None = None
    zones: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the API, its path without /client/v4."""

    method: str
    path: str
    query: str
    user_agent: str

    @property
    def is_write(self) -> bool:
        return self.method in WRITES


@dataclass(frozen=True, slots=True)
class Control:
    """The switches of the platform behind this URL; the token is the account's own."""

    platform_url: str
    token: str = field(repr=False)

    def faults(self, *faults: Fault) -> None:
        """Let these calls fail, and no others."""
        self._call("PUT", "faults", [fault.as_json() for fault in faults])

    def fired(self) -> list[int]:
        """Return how often each of the faults was met, in their order."""
        return [int(fault["fired"]) for fault in self._call("GET", "faults")]

    def tokens(self, *tokens: Token) -> None:
        """Let these tokens in besides the account's own, and no others."""
        self._call("PUT", "tokens", [token.as_json() for token in tokens])

    def calls(self) -> list[Call]:
        """Return all calls of the API since they were last forgotten."""
        return [Call(**call) for call in self._call("GET", "calls")]

    def writes(self) -> list[Call]:
        return [call for call in self.calls() if call.is_write]

    def forget_calls(self) -> None:
        self._call("DELETE", "calls")

    def subdomain(self, name: str) -> None:
        """Give the account this workers.dev subdomain; an empty name takes it away."""
        self._call("PUT", "subdomain", {"subdomain": name})

    def dashboard_edit(self, worker: str) -> str:
        """Deploy the Worker as a person does in the dashboard; return the new live version."""
        return str(self._call("POST", "dashboard-edit", {"worker": worker})["version_id"])

    def versions(self, worker: str, count: int) -> list[str]:
        """Add so many versions that nobody deployed; return their ids, newest first."""
        return list(self._call("POST", "versions", {"worker": worker, "count": count}))

    def reset(self) -> None:
        self.faults()
        self.tokens()
        self.subdomain("local")
        self.forget_calls()

    def _call(self, method: str, path: str, body: object = None) -> Any:
        parts = urlsplit(self.platform_url)
        url = f"{parts.scheme}://{parts.netloc}/test-control/{path}"
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, url, headers=headers, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@contextmanager
def controlled(platform_url: str, token: str) -> Iterator[Control]:
    """Steer a platform, and let go of it afterwards: calls, faults and tokens are as they were."""
    control = Control(platform_url, token)
    control.reset()
    try:
        yield control
    finally:
        control.reset()


@pytest.fixture
def control(platform: Platform) -> Iterator[Control]:
    with controlled(platform.api_base_url, platform.token) as switches:
        yield switches
